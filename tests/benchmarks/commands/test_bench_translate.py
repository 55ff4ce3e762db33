"""`rfa-bench translate` on the tiny shape."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rfa_bench.commands.translate import side_by_side
from rfa_bench.measurements.translate import TranslationRow

Bench = Callable[..., dict[str, Any]]


def test_translation_measures_both_systems_at_every_pair_of_lengths(bench: Bench, tmp_path: Path) -> None:
    plot = tmp_path / "translation.png"
    lengths = ("--sources", "5,40", "--targets", "4,30", "--batch", 2)
    options = ("--size", "tiny", "--rounds", 1, "--burst", 2, "--keep", tmp_path / "twins", "--plot", plot)
    rows = bench("translate", *lengths, *options)["rows"]
    found = {(r["system"], r["source"], r["target"]): r for r in rows}
    assert set(found) == {(s, m, t) for s in ("rfa", "softmax") for m in (5, 40) for t in (4, 30)}
    assert all(r["batch"] == 2 and r["ms_per_token"] > 0 for r in rows)
    assert {r["state_bytes"] for r in rows if r["system"] == "rfa"} == {2 * 2 * 2 * 64 * 33 * 4}, "at any length"
    assert [found["softmax", m, 4]["state_bytes"] for m in (5, 40)] == [
        2 * (2 * 2 * (4 + m) * 32 * 4 + m * 4) for m in (5, 40)
    ]
    assert plot.exists()


def test_table_has_a_line_per_pair_of_lengths_and_the_ratio() -> None:
    rows = [
        TranslationRow("rfa", 5, 1000, 1, "fp32", 1, ms_per_token=2.0, state_bytes=1_500_000),
        TranslationRow("softmax", 5, 1000, 1, "fp32", 1, ms_per_token=3.0, state_bytes=30_000_000),
    ]
    assert side_by_side(rows).splitlines()[2:] == ["| 5 | 1,000 | 2.00 | 3.00 | 1.50 | 1.5 MB | 30.0 MB |"]
