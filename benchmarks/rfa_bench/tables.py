"""Measured rows: picked out, as JSON, and as a Markdown table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Row = TypeVar("Row")


def as_tables(rows: Iterable[DataclassInstance]) -> list[dict[str, Any]]:
    """Plain rows for `--json`: each field by its name."""
    return [asdict(row) for row in rows]


def table(head: Sequence[str], rows: Iterable[Sequence[str]], words: Collection[str] = ()) -> str:
    """A Markdown table.  words: the columns that hold words, which begin at the left; numbers end at the right."""
    ruler = ["---" if name in words else "---:" for name in head]
    lines = [line_of(head), "|" + "|".join(ruler) + "|"]
    lines.extend(map(line_of, rows))
    return "\n".join(lines)


def line_of(cells: Sequence[str]) -> str:
    """One line of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def column(rows: Iterable[object], field: str) -> list[Any]:
    """The values of one field, a value for each row."""
    return [getattr(row, field) for row in rows]


def distinct(rows: Iterable[object], field: str) -> list[Any]:
    """The values of one field, each once, in the order of the rows."""
    return list(dict.fromkeys(column(rows, field)))


def where(rows: Iterable[Row], **wanted: object) -> list[Row]:
    """The rows whose fields have these values, in their order."""
    found = []
    for row in rows:
        values = {name: getattr(row, name) for name in wanted}
        if values == wanted:
            found.append(row)
    return found


def readable_size(count: int) -> str:
    """Bytes for people, in units of 1,000 as disks have them: 1,024 is 1.0 kB."""
    if count < 1000:
        return f"{count} B"
    value = count / 1000
    for unit in ("kB", "MB"):
        if value < 1000:
            return f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
