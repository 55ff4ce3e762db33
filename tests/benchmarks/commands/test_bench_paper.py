"""`rfa-bench paper` on the tiny shape."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rfa_bench.commands.paper import claims_table
from rfa_bench.measurements.paper import PaperRow, claims_of

Bench = Callable[..., dict[str, Any]]
KINDS = ["rfa-gaussian", "rfa-arccos", "rfa-gate", "softmax"]


def row(system: str, context: int, speedup: float, share: float) -> PaperRow:
    return PaperRow(system, context, 16, "fp32", 2, 10.0, speedup, 1_000_000, share)


def test_every_kind_stands_beside_softmax(bench: Bench, tmp_path: Path) -> None:
    plot = tmp_path / "paper.png"
    options = ("--size", "tiny", "--lengths", "4,30", "--batch", 2, "--rounds", 1, "--burst", 2, "--plot", plot)
    found = bench("paper", *options)
    rows = found["rows"]
    assert [(r["system"], r["context"]) for r in rows] == [(kind, length) for length in (4, 30) for kind in KINDS]
    assert len({r["state_bytes"] for r in rows if r["system"] != "softmax"}) == 1
    for entry in rows:
        if entry["system"] == "softmax":
            assert entry["speedup"] == entry["memory_share"] == 1
    assert len(found["claims"]) == 3
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_claims_say_what_was_reached_here() -> None:
    rows = [row("softmax", 32, 1, 1), row("rfa", 32, 0.9, 2), row("softmax", 2048, 1, 1), row("rfa", 2048, 4.5, 0.03)]
    assert claims_table(claims_of(rows)).splitlines()[2:] == [
        "| translates twice as fast | 1.8 to 1.9 times | 0.90 to 0.90 times | no |",
        "| decodes faster at 2,048 tokens | 12 times at 2,048 | 4.50 to 4.50 times | no |",
        "| needs less memory at 2,048 tokens | under 10% at 2,048 | 3.0% to 3.0% | yes |",
    ]
