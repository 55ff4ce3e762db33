"""Data files of one row per line: the rows that could be read, and a complaint for each that could not.

Standard library only: training and scoring read their files here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from rfa_runtime.errors import TextError
from rfa_runtime.line_files.text import fault_of, read_lines

T = TypeVar("T")
LONGEST = 60
"""Characters of a value in a message."""
COLUMNS = 2
"""Of every .tsv that this package reads."""


@dataclass(frozen=True)
class Rows(Generic[T]):
    """The rows of a data file.  A broken row does not keep the others from being read."""

    rows: list[T] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    """`FILE:LINE` of each of these rows."""
    errors: list[TextError] = field(default_factory=list)
    """One for each broken row, `FILE:LINE: reason`."""

    def add(self, place: str, parse: Callable[[], T]) -> None:
        """Add a row, or the error of its parser."""
        try:
            self.rows.append(parse())
        except TextError as error:
            self.errors.append(error)
        else:
            self.places.append(place)


def parse_rows(file: Path, parser: Callable[[str], T], header: bytes | None = None) -> Rows[T]:
    """Parse every line of a file.  parser: raises TextError with a reason.  header: a first line to pass over.

    Raises TextError for a file without rows, OSError as `open` does.
    """
    found = Rows[T]()
    with file.open("rb") as stream:
        lines = read_lines(stream, str(file))
        first = next(lines, None)
        if first is not None and first.data != header:
            found.add(first.place, partial(first.parse, parser))
        for line in lines:
            found.add(line.place, partial(line.parse, parser))
    if not found.rows and not found.errors:
        raise TextError(f"{file} has no rows")
    return found


def two_columns(text: str, first: str, second: str) -> tuple[str, str]:
    """Split a row of a .tsv.  first, second: names of the columns, for the complaint."""
    columns = text.split("\t")
    if len(columns) != COLUMNS:
        raise TextError(f"the row has {len(columns)} column(s), wanted {COLUMNS}: {first}, a tab, {second}")
    return filled(columns[0], first), filled(columns[1], second)


def json_row(text: str) -> dict[str, Any]:
    """Parse a row of a .jsonl, which must be an object."""
    try:
        table = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TextError(f"the row is not JSON: {error}") from error
    if not isinstance(table, dict):
        raise TextError(f"the row is {shown(table)}, wanted a JSON object")
    return table


def json_text(table: dict[str, Any], name: str) -> str:
    """Return a text of a row, which must be there."""
    value = table.get(name)
    if not isinstance(value, str):
        raise TextError(f"{name!r} is {shown(value)}, wanted a text")
    return filled(value, name)


def shown(value: object) -> str:
    """Spell a value as JSON does, cut short."""
    return json.dumps(value)[:LONGEST]


def filled(text: str, name: str) -> str:
    """Return a text that has a visible character.  Raises TextError for one that has none, and for what is no text."""
    if not text.strip():
        raise TextError(f"the {name} is empty")
    fault = fault_of(text)
    if fault is not None:
        raise TextError(f"the {name} has {fault}: write it without")
    return text


def unknown_form(file: Path, others: str = "") -> TextError:
    """Return the error for a file whose name has neither ending.  others: what else was possible."""
    return TextError(f"{file} is neither .tsv nor .jsonl{others}: name it after what it holds")
