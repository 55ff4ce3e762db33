"""A file of lines to a file of answers: the same number of lines, in the same order, whatever happens on the way.

A line that cannot be worked on gives a complaint and an empty line; a blank line gives an empty line alone.  Where both
are files, a run that was stopped continues from its last batch.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from rfa_runtime.bar import Bar, progress_bar
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.files import MANIFEST, sha256
from rfa_runtime.errors import OptionError
from rfa_runtime.line_files.answers import Complaint, Worker, answers, check_batch, in_batches
from rfa_runtime.line_files.arriving import arriving_lines
from rfa_runtime.line_files.output import LineOutput, plain_output, recorded_output
from rfa_runtime.line_files.progress import Origin, progress_file, sha256_of_settings
from rfa_runtime.line_files.standard import STANDARD, standard_input
from rfa_runtime.line_files.text import Line, read_lines


@dataclass(frozen=True)
class LineReport:
    """What became of a file."""

    lines: int
    errors: int
    """Lines that are empty because nothing could be made of their input."""


@dataclass(frozen=True)
class AnsweredBatch:
    """What became of some lines; it can travel between processes."""

    texts: list[str]
    """An answer for each line, empty where there is none."""
    complaints: list[str]
    """Why lines could not be worked on, each with its place."""


AnswerAll = Callable[[Iterable[list[Line]]], Iterable[AnsweredBatch]]
"""Answers batches of lines, in their order."""


def convert_lines(
    source: Path | str,
    target: Path | str,
    worker: Worker[str, str],
    bundle: Bundle,
    settings: Mapping[str, object],
    batch: int = 16,
    overwrite: bool = False,
) -> LineReport:
    """Write an answer for every line of a file.  source, target: `-` is standard input and output.

    bundle, settings: what the answers depend on; a stopped run continues only where they and the input are the same.
    batch: lines at once, and what is lost at most when the process is killed.  Lines of a pipe are answered as they
    come, fewer at once where no more are there.
    Raises OutputExistsError for an output of something else, OptionError for a setting that cannot work.
    """
    answer = partial(answer_batch, worker=worker)
    return convert_file(source, target, partial(map, answer), bundle, settings, batch, overwrite)


def convert_file(
    source: Path | str,
    target: Path | str,
    answer_all: AnswerAll,
    bundle: Bundle,
    settings: Mapping[str, object],
    batch: int,
    overwrite: bool,
) -> LineReport:
    """Do what `convert_lines` says, with batches answered here or elsewhere."""
    source = Path(source)
    target = Path(target)
    check_batch(batch)
    refuse_own_input(source, target)
    resumable = is_plain(source) and (is_plain(target) or not target.exists()) and target != STANDARD
    total = None
    opened = plain_output(target, overwrite)
    if resumable:
        total = count_lines(source)
        opened = recorded_output(target, origin_of(source, bundle, settings), overwrite)
    reading = nullcontext(standard_input()) if source == STANDARD else source.open("rb")
    with reading as stream, opened as output:
        name = "standard input" if source == STANDARD else str(source)
        if is_plain(source):
            batches = in_batches(islice(read_lines(stream, name), output.lines, None), batch)
        else:
            batches = arriving_lines(stream, name, batch)
        with progress_bar("lines", total, output.lines, target == STANDARD and sys.stdout.isatty()) as bar:
            try:
                write_answers(answer_all(batches), output, bar)
            except KeyboardInterrupt:
                way_on = ": call the same command again to go on" if resumable else ""
                bar.say(f"Stopped after {output.lines:,} lines{way_on}.")
                raise
    return LineReport(output.lines, output.errors)


def write_answers(batches: Iterable[AnsweredBatch], output: LineOutput, bar: Bar) -> None:
    """Write batches in their order, as they come."""
    for batch in batches:
        output.add(batch.texts, len(batch.complaints))
        for complaint in batch.complaints:
            bar.say(f"Error: {complaint}")
        bar.advance(len(batch.texts))


def answer_batch(lines: list[Line], worker: Worker[str, str]) -> AnsweredBatch:
    """Answer some lines together."""
    texts = []
    complaints = []
    filled = [line for line in lines if not line.is_blank]
    found = answers(filled, with_places(worker))
    given = iter(found)
    for line in lines:
        answer = None if line.is_blank else next(given)
        if isinstance(answer, Complaint):
            complaints.append(str(answer))
            answer = None
        texts.append(answer or "")
    return AnsweredBatch(texts, complaints)


def with_places(worker: Worker[str, str]) -> Worker[Line, str]:
    """Return the same worker for lines: its complaints name file and line."""

    def check(line: Line) -> None:
        line.parse(worker.check)

    def work(lines: list[Line]) -> Sequence[str]:
        return worker.work([line.text() for line in lines])

    return Worker(check, work)


def origin_of(source: Path, bundle: Bundle, settings: Mapping[str, object]) -> Origin:
    """Return what the answers are made from."""
    return Origin(sha256(source), sha256(bundle.path / MANIFEST), sha256_of_settings(settings))


def is_plain(file: Path) -> bool:
    """Whether this is a file that can be read twice."""
    return file != STANDARD and file.is_file()


def count_lines(file: Path) -> int:
    """Count the lines of a file.  A last line without its end counts too."""
    count = 0
    with file.open("rb") as stream:
        for _ in stream:
            count += 1
    return count


def refuse_own_input(source: Path, target: Path) -> None:
    """Raise OptionError where the answers, or the note on them, would overwrite the input."""
    if STANDARD in (source, target):
        return
    for file in (target, progress_file(target)):
        if is_plain(file) and is_plain(source) and os.path.samefile(source, file):
            raise OptionError(f"{source} is the input and would be overwritten as {file}: give another output")
