"""Pairs of a sentence and its translation, as they are scored.

    NAME.tsv      source<TAB>target
    NAME.jsonl    {"source": ..., "target": ...}
    two files     a line of the one belongs to the same line of the other

A complaint names the file and the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from rfa_runtime.errors import TextError
from rfa_runtime.line_files.lines import Line, read_lines
from rfa_runtime.line_files.rows import Rows, filled, json_row, json_text, parse_rows, two_columns, unknown_form


class Pair(NamedTuple):
    """A sentence in two languages."""

    source: str
    target: str


def read_pairs(files: Sequence[Path]) -> Rows[Pair]:
    """Read one .tsv or .jsonl, or two plain files.  Raises TextError for what is none of them, OSError as `open`."""
    if len(files) == 2:
        return read_plain(files[0], files[1])
    if len(files) != 1:
        raise TextError(f"{len(files)} files of pairs came, wanted one .tsv or .jsonl, or two plain files")
    if files[0].suffix not in PARSERS:
        raise unknown_form(files[0], ", nor are there two plain files")
    return parse_rows(files[0], PARSERS[files[0].suffix])


def read_plain(sources: Path, targets: Path) -> Rows[Pair]:
    """Two files side by side.  Raises TextError where one is longer: nobody knows then which lines belong together."""
    found = Rows[Pair]()
    number = 0
    with sources.open("rb") as left, targets.open("rb") as right:
        lines = zip_longest(read_lines(left, str(sources)), read_lines(right, str(targets)))
        for number, (source, target) in enumerate(lines, 1):
            if source is None or target is None:
                short, long = (sources, targets) if source is None else (targets, sources)
                raise TextError(f"{short} ends after line {number - 1}, {long} goes on: wanted as many lines in both")
            found.add(source.place, partial(parse_lines, source, target))
    if not number:
        raise TextError(f"{sources} and {targets} have no lines")
    return found


def parse_lines(source: Line, target: Line) -> Pair:
    """A line of each file."""
    return Pair(source.parse(SOURCE_LINE), target.parse(TARGET_LINE))


def parse_tsv(text: str) -> Pair:
    """One row of a .tsv."""
    return Pair(*two_columns(text, "source", "target"))


def parse_jsonl(text: str) -> Pair:
    """One row of a .jsonl."""
    table = json_row(text)
    return Pair(json_text(table, "source"), json_text(table, "target"))


PARSERS = {".tsv": parse_tsv, ".jsonl": parse_jsonl}
SOURCE_LINE, TARGET_LINE = partial(filled, name="source"), partial(filled, name="target")
