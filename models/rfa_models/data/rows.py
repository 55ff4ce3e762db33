"""Data files of one row per line; a broken row is an error that names file and line."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch

from rfa_models.errors import DataError
from rfa_models.wording import shown

T = TypeVar("T")
COLUMNS = 2
"""Of every .tsv that is read here."""


def parse_rows(path: Path, parse: Callable[[str], T], header: str | None = None) -> list[T]:
    """Every row of a file.  parse: raises DataError with a reason.  header: a first line to pass over.

    Raises DataError for a broken row, or a file without rows; OSError as `open` does.
    """
    rows = []
    for number, line in enumerate(read_lines(path), 1):
        if number > 1 or line != header:
            try:
                rows.append(parse(line))
            except DataError as error:
                raise DataError(f"{path}:{number}: {error}") from error
    if not rows:
        raise DataError(f"{path} has no rows")
    return rows


def read_lines(path: Path) -> list[str]:
    r"""The lines of a UTF-8 file.  Only `\n` and `\r\n` end one: a sentence may hold Unicode's other line breaks."""
    lines = path.read_bytes().removeprefix(codecs.BOM_UTF8).split(b"\n")
    if not lines[-1]:
        del lines[-1]
    return [decoded(line.removesuffix(b"\r"), f"{path}:{number}") for number, line in enumerate(lines, 1)]


def decoded(line: bytes, place: str) -> str:
    """One line as text.  Raises DataError."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{place}: byte {error.start} is not UTF-8 text: convert the file first") from error


def two_columns(line: str, first: str, second: str) -> tuple[str, str]:
    """Split a row of a .tsv.  first, second: names of the columns, for the error."""
    columns = line.split("\t")
    if len(columns) != COLUMNS:
        raise DataError(f"the row has {len(columns)} column(s), wanted {COLUMNS}: {first}, a tab, {second}")
    return filled(columns[0], first), filled(columns[1], second)


def json_row(line: str) -> dict[str, Any]:
    """A row of a .jsonl, which must be an object."""
    try:
        table = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"the row is not JSON: {error}") from error
    if not isinstance(table, dict):
        raise DataError(f"the row is {shown(table)}, wanted a JSON object")
    return table


def json_text(table: dict[str, Any], name: str) -> str:
    """A text of a row, which must be there."""
    value = table.get(name)
    if not isinstance(value, str):
        raise DataError(f"{name!r} is {shown(value)}, wanted a text")
    return filled(value, name)


def filled(text: str, name: str) -> str:
    """A text that has a visible character.  Raises DataError."""
    if not text.strip():
        raise DataError(f"the {name} is empty")
    return text


def split_rows(rows: list[T], valid_fraction: float) -> tuple[list[T], list[T]]:
    """Keep rows apart for validation, drawn from the whole: files are often sorted.  The same ones every time."""
    kept = round(len(rows) * valid_fraction)
    if not 0 < kept < len(rows):
        raise DataError(f"{len(rows)} row(s), of which {kept} for validation: give more rows, or a validation file")
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0)).tolist()
    return [rows[index] for index in sorted(order[kept:])], [rows[index] for index in sorted(order[:kept])]
