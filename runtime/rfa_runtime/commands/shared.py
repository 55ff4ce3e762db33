"""What `rfa-run` does for models of every task: find the text that was given, print what was found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import rfa_runtime
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.errors import OptionError, PromptError, TextError
from rfa_runtime.line_files.one_line import Table, as_json_line
from rfa_runtime.line_files.standard import STANDARD, standard_input
from rfa_runtime.line_files.text import read_text, whole_text


class FileScore(Table, Protocol):
    """What scoring a data file gave."""

    @property
    def items(self) -> int:
        """How many rows could be read."""

    @property
    def errors(self) -> int:
        """How many rows could not be read, or have a text that the model cannot take."""


def prompt_text(prompt: str | None, prompt_file: Path | None) -> str:
    """Find the prompt: on the command line, in a file, or on standard input."""
    if prompt is not None and prompt_file is not None:
        raise PromptError("a prompt and --prompt-file came together, wanted one of them")
    if prompt_file is not None:
        return read_text(prompt_file)
    if prompt == "-":
        return whole_text(standard_input().read(), "standard input")
    return prompt or ""


def one_text(prompt: str | None, prompt_file: Path | None) -> str:
    """Find a text that is worked on as a whole: the line end that files and `echo` add is not part of it."""
    return prompt_text(prompt, prompt_file).removesuffix("\n").removesuffix("\r")


def texts(pieces: Iterable[rfa_runtime.Piece]) -> Iterator[str]:
    """Yield the text of each piece."""
    for piece in pieces:
        yield piece.text


def show(parts: Iterable[str]) -> None:
    """Print the parts of a text as they come, then end the line.  Ctrl-C ends the line as well."""
    try:
        for part in parts:
            print(part, end="", flush=True)
    except KeyboardInterrupt:
        with suppress(OSError):
            print(flush=True)
        raise
    print(flush=True)


def run_lines(
    bundle: Bundle,
    job: rfa_runtime.LineJob,
    threads: int | None,
    provider: str,
    inputs: tuple[Path, ...],
    output: Path,
    batch: int,
    shards: int | None,
    cluster: str | None,
    overwrite: bool,
    **_: Any,
) -> None:
    """Answer every line of one file, or of files into a folder.

    Raises TextError at the end where some lines could not be answered.
    """
    into_folder = len(inputs) > 1 or shards is not None or output.is_dir()
    if into_folder and output == STANDARD:
        raise OptionError("several inputs, or --shards, want a folder for their answers: give --output DIR")
    if into_folder and cluster is not None:
        raise OptionError("--cluster answers one file, and cuts it by itself: give one --input and a file as --output")
    if cluster is not None:
        report = rfa_runtime.convert_on_cluster(
            cluster, inputs[0], output, job, bundle, batch, overwrite, threads or 1, provider
        )
    elif into_folder:
        worker = job.worker(bundle, threads, provider)
        report = rfa_runtime.convert_shards(
            inputs, output, worker, bundle, job.settings(), shards or 1, batch, overwrite
        )
    else:
        worker = job.worker(bundle, threads, provider)
        report = rfa_runtime.convert_lines(inputs[0], output, worker, bundle, job.settings(), batch, overwrite)
    if report.errors:
        raise TextError(
            f"{report.errors:,} of {report.lines:,} lines could not be worked on: their answers are empty lines"
        )


def show_score(score: FileScore, words: str, as_json: bool) -> None:
    """Print a score.  words: the same for people.  Raises TextError afterwards where some rows are not in the score."""
    print(as_json_line(score) if as_json else words, flush=True)
    if score.errors:
        raise TextError(f"{score.errors:,} row(s) could not be scored: those that could be read count as wrong")
