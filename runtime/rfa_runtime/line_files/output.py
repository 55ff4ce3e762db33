"""Where answers go, batch by batch.  After a stop, a file of answers is continued where it was left."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from rfa_runtime.bundle.process_lock import writing
from rfa_runtime.errors import OutputExistsError
from rfa_runtime.line_files.progress import LineProgress, Origin, progress_file, read_progress, write_progress
from rfa_runtime.line_files.standard import STANDARD, standard_output
from rfa_runtime.wording import OVERWRITE

BREAKS = str.maketrans("\n\r", "  ")
"""An answer is one line, whatever it says."""


class LineOutput:
    """Answers that cannot be taken back: on their way to another program."""

    def __init__(self, stream: BinaryIO, lines: int = 0, errors: int = 0) -> None:
        self._stream = stream
        self.lines = lines
        """How many lines are done."""
        self.errors = errors
        """How many of them are empty because their input was no good."""

    def add(self, answers: list[str], errors: int) -> None:
        """Write a batch, and hand it on at once.  errors: how many of its lines are empty for want of a good input."""
        lines = "".join(f"{answer.translate(BREAKS)}\n" for answer in answers)
        self._write(lines.encode(errors="replace"))
        self._note(self.lines + len(answers), self.errors + errors)

    def _write(self, data: bytes) -> None:
        self._stream.write(data)
        self._stream.flush()

    def _note(self, lines: int, errors: int) -> None:
        self.lines = lines
        self.errors = errors


class RecordedOutput(LineOutput):
    """Answers in a file: after each batch they are there, and then a note that they are.

    Neither waits for the disk: that took four fifths of the time of a small classifier, and only a power cut makes a
    difference.  If one leaves a note that is ahead of its file, the file's sha256 tells.
    """

    def __init__(self, stream: BinaryIO, target: Path, progress: LineProgress, digest: Any) -> None:
        super().__init__(stream, progress.lines, progress.errors)
        self._target = target
        self.progress = progress
        """What is certain of the file."""
        self._digest = digest

    def _write(self, data: bytes) -> None:
        super()._write(data)
        self._digest.update(data)

    def _note(self, lines: int, errors: int) -> None:
        self.progress = replace(
            self.progress,
            lines=lines,
            errors=errors,
            bytes=self._stream.tell(),
            output=self._digest.hexdigest(),
        )
        write_progress(self._target, self.progress)
        super()._note(lines, errors)


@contextmanager
def plain_output(target: Path, overwrite: bool) -> Iterator[LineOutput]:
    """Open an output that always begins at its beginning; `-` is standard output.

    Raises OutputExistsError for a file with something in it, OutputBusyError where another process writes it.
    """
    if target == STANDARD:
        yield LineOutput(standard_output())
        return
    is_device = target.exists() and not target.is_file()
    with nullcontext() if is_device else writing(target):
        if target.is_file() and target.stat().st_size and not overwrite:
            raise OutputExistsError(f"{target} exists: give another name, or ", OVERWRITE)
        with target.open("wb") as stream:
            yield LineOutput(stream)


@contextmanager
def recorded_output(target: Path, origin: Origin, overwrite: bool, nested: bool = False) -> Iterator[RecordedOutput]:
    """Open an output where it was left, or begin it.  On leaving without an error the note beside it goes.

    nested: whether the caller may have the lock on it already.
    Raises OutputExistsError for a file that was not made from this origin, unless it may be overwritten, and
    OutputBusyError where another process writes it.
    """
    with writing(target, nested):
        with target.open("a+b") as stream:
            progress, digest = starting_point(target, stream, origin, overwrite)
            write_progress(target, progress)
            stream.truncate(progress.bytes)
            stream.seek(0, os.SEEK_END)
            yield RecordedOutput(stream, target, progress, digest)
        progress_file(target).unlink(missing_ok=True)


def starting_point(target: Path, stream: BinaryIO, origin: Origin, overwrite: bool) -> tuple[LineProgress, Any]:
    """Return how far the file has come, and the hash of that part.  An empty file counts as none."""
    found = read_progress(target)
    stream.seek(0)
    digest = hashlib.sha256()
    if found is not None and found.origin == origin:
        digest = hash_of_part(stream, found.bytes)
        if digest.hexdigest() == found.output:
            return found, digest
    if os.fstat(stream.fileno()).st_size and not overwrite:
        raise OutputExistsError(f"{target} {difference(found, origin)}: give another name, or ", OVERWRITE)
    return LineProgress(origin), hashlib.sha256()


def hash_of_part(stream: BinaryIO, count: int) -> Any:
    """Hash the next bytes of a file, as many as there are."""
    digest = hashlib.sha256()
    while count > 0 and (part := stream.read(min(count, 1 << 20))):
        digest.update(part)
        count -= len(part)
    return digest


def difference(found: LineProgress | None, origin: Origin) -> str:
    """Say why a file of answers cannot be continued."""
    if found is None:
        return "exists"
    for name, mine in vars(origin).items():
        if getattr(found.origin, name) != mine:
            return f"was begun with other {name}" if name == "settings" else f"was begun with another {name}"
    return "has changed since it was begun"
