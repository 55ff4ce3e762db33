"""A file of lines to a file of answers: the same number of lines, in the same order, whatever happens on the way.

A line that cannot be worked on gives a complaint and an empty line.  Between two files, a run that was stopped goes on
where it was.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from rfa_runtime.bar import Bar, progress_bar
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.files import MANIFEST, sha256
from rfa_runtime.errors import OptionError
from rfa_runtime.line_files.answers import Worker, answers
from rfa_runtime.line_files.lines import Line, in_batches, read_lines
from rfa_runtime.line_files.output import STANDARD, LineOutput, plain_output, recorded_output
from rfa_runtime.line_files.progress import Origin, progress_file, sha256_of_settings


@dataclass(frozen=True)
class LineReport:
    """What became of a file."""

    lines: int
    errors: int
    """Lines that are empty because nothing could be made of their input."""


def convert_lines(
    source: Path,
    target: Path,
    worker: Worker[str, str],
    bundle: Bundle,
    settings: Mapping[str, object],
    batch: int = 16,
    overwrite: bool = False,
) -> LineReport:
    """Write an answer for every line of a file.  source, target: `-` is standard input and output.

    bundle, settings: what the answers depend on; a run is gone on with only where they and the input are the same.
    batch: lines at once, and what is lost at most when the process is killed.
    Raises OutputExistsError for an output of something else, OptionError for a setting that cannot work.
    """
    if batch < 1:
        raise OptionError(f"batch is {batch}, wanted at least 1")
    refuse_own_input(source, target)
    resumable = is_plain(source) and (is_plain(target) or not target.exists()) and target != STANDARD
    total = count_lines(source) if resumable else None
    opened = (
        recorded_output(target, origin_of(source, bundle, settings), overwrite)
        if resumable
        else plain_output(target, overwrite)
    )
    reading = nullcontext(sys.stdin.buffer) if source == STANDARD else source.open("rb")
    with reading as stream, opened as output:
        name = "standard input" if source == STANDARD else str(source)
        lines = islice(read_lines(stream, name), output.lines, None)
        with progress_bar("lines", total, output.lines, target == STANDARD and sys.stdout.isatty()) as bar:
            try:
                convert(lines, output, worker, batch, bar)
            except KeyboardInterrupt:
                way_on = ": call the same command again to go on" if resumable else ""
                bar.say(f"Stopped after {output.lines:,} lines{way_on}.")
                raise
    return LineReport(output.lines, output.errors)


def convert(lines: Iterable[Line], output: LineOutput, worker: Worker[str, str], batch: int, bar: Bar) -> None:
    """The work itself, batch by batch."""
    on_lines = Worker[Line, str](
        check=lambda line: line.parse(worker.check), work=lambda lines: worker.work([line.text() for line in lines])
    )
    for some in in_batches(lines, batch):
        found = answers(some, on_lines)
        errors = [answer for answer in found if not isinstance(answer, str)]
        output.add([answer if isinstance(answer, str) else "" for answer in found], len(errors))
        for error in errors:
            bar.complain(error)
        bar.advance(len(some))


def origin_of(source: Path, bundle: Bundle, settings: Mapping[str, object]) -> Origin:
    """What the answers are made from."""
    return Origin(sha256(source), sha256(bundle.path / MANIFEST), sha256_of_settings(settings))


def is_plain(file: Path) -> bool:
    """Whether this is a file that can be read twice."""
    return file != STANDARD and file.is_file()


def count_lines(file: Path) -> int:
    """How many lines a file has; a last one without its end counts too."""
    with file.open("rb") as stream:
        return sum(1 for _ in stream)


def refuse_own_input(source: Path, target: Path) -> None:
    """Raise OptionError where the answers, or the note on them, would take the place of the questions."""
    if STANDARD in (source, target):
        return
    for file in (target, progress_file(target)):
        if is_plain(file) and is_plain(source) and os.path.samefile(source, file):
            raise OptionError(f"{source} is the input and would be overwritten as {file}: give another output")
