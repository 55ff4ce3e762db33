"""`rfa-bench growth` over a few short lengths."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rfa_bench.commands.growth import side_by_side, slopes
from rfa_bench.measurements import growth, plots
from rfa_bench.measurements.growth import GrowthRow

Bench = Callable[..., dict[str, Any]]


def sweep(system: str, power: int) -> list[GrowthRow]:
    return [GrowthRow(system, n, 1e-3 * n**power, n**power) for n in (1024, 2048, 4096, 8192)]


def test_growth_measures_every_length(bench: Bench, tmp_path: Path) -> None:
    found = bench("growth", "--longest", 4096, "--plot", tmp_path / "growth.png")
    for system in ("rfa", "rfa-gate"):
        rows = [row for row in found["rows"] if row["system"] == system]
        assert [row["context"] for row in rows] == [1024, 2048, 4096]
        assert all(row["ms"] > 0 and row["peak_bytes"] > 0 for row in rows)
    assert (tmp_path / "growth.png").exists()


@pytest.mark.parametrize("power", [1, 2])
def test_exponent_is_the_power_of_the_growth(power: int) -> None:
    rows = sweep("rfa", 3) + sweep("rfa-gate", power)
    assert growth.exponent(rows, "rfa-gate", "ms") == pytest.approx(power)
    assert growth.exponent(rows, "rfa-gate", "peak_bytes") == pytest.approx(power)


def test_table_has_the_sweeps_side_by_side() -> None:
    rows = sweep("rfa", 1) + sweep("rfa-gate", 2)
    lines = side_by_side(rows).splitlines()
    assert lines[0] == "| tokens | rfa ms | rfa memory | rfa-gate ms | rfa-gate memory |"
    assert lines[2] == "| 1,024 | 1.0 | 1.0 kB | 1048.6 | 1.0 MB |"
    assert "rfa-gate: exponent of time 2.00, memory 2.00 (1 is linear)" in slopes(rows)


def test_plot_is_written(tmp_path: Path) -> None:
    plots.growth(sweep("rfa", 1) + sweep("rfa-gate", 1), tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")
