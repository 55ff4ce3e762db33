"""Rows of data files for training: a broken row ends the reading, and some rows are kept apart for validation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

from rfa_models.errors import DataError
from rfa_runtime.errors import TextError
from rfa_runtime.line_files.rows import Rows

Source = TypeVar("Source")
T = TypeVar("T")


def all_rows(read: Callable[[Source], Rows[T]], source: Source) -> list[T]:
    """Read rows that must all be right.  read: a reader of rfa_runtime.line_files.

    Raises DataError that names the file and the line, OSError as `open` does.
    """
    try:
        found = read(source)
    except TextError as error:
        raise DataError(str(error)) from error
    if found.errors:
        first = found.errors[0]
        others = f"; {len(found.errors) - 1:,} more row(s) are broken" if len(found.errors) > 1 else ""
        raise DataError(f"{first}{others}") from first
    return found.rows


def split_rows(rows: list[T], valid_fraction: float) -> tuple[list[T], list[T]]:
    """Keep rows apart for validation, drawn from the whole: files are often sorted.  The same rows every time.

    Returns rows for training and for validation.  Raises DataError where one of them would be empty.
    """
    kept = round(len(rows) * valid_fraction)
    if not 0 < kept < len(rows):
        raise DataError(f"{len(rows)} row(s), of which {kept} for validation: give more rows, or a validation file")
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0)).tolist()
    train = sorted(order[kept:])
    valid = sorted(order[:kept])
    return [rows[index] for index in train], [rows[index] for index in valid]
