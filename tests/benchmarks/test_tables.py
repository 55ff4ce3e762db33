"""Rows of measurements: picked out, as plain tables, and as Markdown."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from rfa_bench import tables


@dataclass(frozen=True)
class Row:
    system: str
    ms: float


ROWS = [Row("rfa", 1.0), Row("softmax", 2.0), Row("rfa", 3.0)]


def test_rows_are_picked_out_by_their_fields() -> None:
    assert tables.column(ROWS, "ms") == [1.0, 2.0, 3.0]
    assert tables.distinct(ROWS, "system") == ["rfa", "softmax"]
    assert tables.where(ROWS, system="rfa") == [ROWS[0], ROWS[2]]
    assert tables.where(ROWS, system="rfa", ms=2.0) == []


def test_rows_become_objects_with_their_fields() -> None:
    assert tables.as_tables(ROWS[:1]) == [{"system": "rfa", "ms": 1.0}]


def test_a_table_has_words_at_the_left_and_numbers_at_the_right() -> None:
    text = tables.table(["system", "ms"], [["rfa", "1.0"]], words=["system"])
    assert text.splitlines() == ["| system | ms |", "|---|---:|", "| rfa | 1.0 |"]


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (5_000_000_000_000, "5000.0 GB")]
)
def test_bytes_are_written_for_people(count: int, text: str) -> None:
    assert tables.readable_size(count) == text
