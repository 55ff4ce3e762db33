"""The rows of a result as a table: what is the same in all rows stands above it once."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rfa_bench.suite.results import Result
from rfa_bench.tables import readable_size

Cells = list[list[str]]


def shared_of(rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    """What is the same in all rows and not empty, by its name."""
    if len(rows) < 2:
        return {}
    found = {}
    for name, value in rows[0].items():
        if value not in (None, "") and all(row.get(name) == value for row in rows):
            found[name] = shown(name, value)
    return found


def columns_of(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Names of what differs between rows, and is not empty in all."""
    shared = shared_of(rows)
    found: list[str] = []
    for row in rows:
        for name, value in row.items():
            if name not in shared and name not in found and value not in (None, ""):
                found.append(name)
    return found


def cells_of(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> Cells:
    """A line for each row; what it does not have stays empty."""
    return [[shown(name, row.get(name)) for name in columns] for row in rows]


def shown(name: str, value: Any) -> str:
    """A value for people."""
    if value is None:
        return ""
    if name.endswith("_bytes") or name.startswith("rss_"):
        return readable_size(int(value))
    if isinstance(value, float):
        return f"{value:,.1f}" if abs(value) >= 100 else f"{value:#.3g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def write_csv(results: Sequence[Result], file: Path) -> None:
    """All rows of all results in one file, each with the name and the command of its part."""
    names: list[str] = ["part", "command"]
    lines = []
    for result in results:
        for row in result.rows:
            lines.append({"part": result.name, "command": result.command} | row)
            names.extend(name for name in row if name not in names)
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, names)
        writer.writeheader()
        writer.writerows(lines)
