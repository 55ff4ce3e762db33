"""`rfa-bench classify` on the tiny shape."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rfa_bench.commands.classify import side_by_side
from rfa_bench.measurements import classify
from rfa_bench.measurements.classify import ClassificationRow

Bench = Callable[..., dict[str, Any]]


def test_classification_measures_every_system_at_every_length(bench: Bench, tmp_path: Path) -> None:
    plot = tmp_path / "classification.png"
    options = ("--size", "tiny", "--lengths", "64,4096", "--rounds", 1, "--keep", tmp_path / "twins", "--plot", plot)
    rows = bench("classify", *options)["rows"]
    systems = ("rfa", "softmax", "softmax, no mask")
    assert [(r["system"], r["bytes"]) for r in rows] == [(s, n) for n in (64, 4096) for s in systems]
    assert all(r["ms"] > 0 and r["peak_rss_bytes"] > 10_000_000 for r in rows)
    needed = {r["system"]: r["call_bytes"] for r in rows if r["bytes"] == 4096}
    assert needed["softmax"] > 2 * 4096**2 * 4, "two heads' whole matrices of scores"
    assert max(needed["rfa"], needed["softmax, no mask"]) < needed["softmax"] / 2
    assert plot.exists()


def test_a_text_that_memory_cannot_hold_is_a_row_and_no_error() -> None:
    rows = [ClassificationRow("softmax", 64, 1, 2.0, 10**8, 10**6), ClassificationRow("softmax", 128, 1)]
    assert side_by_side(rows).splitlines()[3] == "| 128 | out of memory | out of memory | out of memory |"
    assert math.isnan(classify.exponent(rows, "ms"))


def test_exponent_is_the_slope_between_the_two_longest() -> None:
    rows = [
        ClassificationRow("rfa", 64, 1, 9.0, 1, 9),
        ClassificationRow("rfa", 128, 1, 1.0, 1, 10),
        ClassificationRow("rfa", 256, 1, 4.0, 1, 20),
    ]
    assert classify.exponent(rows, "ms") == 2
    assert classify.exponent(rows, "call_bytes") == 1
