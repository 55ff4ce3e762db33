"""Pairs of a sentence and its translation.

    NAME.tsv      source<TAB>target
    NAME.jsonl    {"source": ..., "target": ...}
    two files     a line of the one belongs to the same line of the other

No side of a pair may be empty.  A complaint names the file and the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from rfa_runtime.errors import TextError
from rfa_runtime.line_files.rows import Rows, filled, json_row, json_text, parse_rows, two_columns, unknown_form
from rfa_runtime.line_files.text import Line, read_lines


class Pair(NamedTuple):
    """A sentence in two languages."""

    source: str
    target: str


def read_pairs(files: Path | str | Sequence[Path | str]) -> Rows[Pair]:
    """Read one .tsv or .jsonl, which may stand by itself, or two plain files.

    Raises TextError for what is none of them, OSError as `open`.
    """
    paths = [Path(files)] if isinstance(files, Path | str) else list(map(Path, files))
    if len(paths) == 2:
        return read_plain(paths[0], paths[1])
    if len(paths) != 1:
        raise TextError(f"{len(paths)} files of pairs came, wanted one .tsv or .jsonl, or two plain files")
    if paths[0].suffix not in PARSERS:
        raise unknown_form(paths[0], ", nor are there two plain files")
    return parse_rows(paths[0], PARSERS[paths[0].suffix])


def read_plain(sources: Path, targets: Path) -> Rows[Pair]:
    """Read two files side by side.  Raises TextError where one is longer: the lines then do not belong together."""
    found = Rows[Pair]()
    number = 0
    with sources.open("rb") as left, targets.open("rb") as right:
        lines = zip_longest(read_lines(left, str(sources)), read_lines(right, str(targets)))
        for number, (source, target) in enumerate(lines, 1):
            if source is None or target is None:
                raise unlike_lengths(sources, targets, number - 1, first_ended=source is None)
            found.add(source.place, partial(parse_lines, source, target))
    if not number:
        raise TextError(f"{sources} and {targets} have no lines")
    return found


def unlike_lengths(sources: Path, targets: Path, lines: int, first_ended: bool) -> TextError:
    """Return the error for two files of which one ends after some lines and the other goes on."""
    if first_ended:
        return TextError(f"{sources} ends after line {lines}, {targets} goes on: wanted as many lines in both")
    return TextError(f"{targets} ends after line {lines}, {sources} goes on: wanted as many lines in both")


def parse_lines(source: Line, target: Line) -> Pair:
    """Parse a line of each file."""
    return Pair(source.parse(parse_source), target.parse(parse_target))


def parse_source(text: str) -> str:
    """Return a line of the first file, which must not be empty."""
    return filled(text, "source")


def parse_target(text: str) -> str:
    """Return a line of the second file, which must not be empty."""
    return filled(text, "target")


def parse_tsv(text: str) -> Pair:
    """Parse one row of a .tsv."""
    return Pair(*two_columns(text, "source", "target"))


def parse_jsonl(text: str) -> Pair:
    """Parse one row of a .jsonl."""
    table = json_row(text)
    return Pair(json_text(table, "source"), json_text(table, "target"))


PARSERS = {".tsv": parse_tsv, ".jsonl": parse_jsonl}
