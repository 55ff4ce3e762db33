"""`rfa-bench growth` over a few short lengths."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rfa_bench.commands.growth import side_by_side, slopes
from rfa_bench.measurements import growth, plots
from rfa_bench.measurements.growth import Growth

Bench = Callable[..., dict[str, Any]]


def sweep(power: int) -> list[Growth]:
    return [Growth(n, 1e-6 * n**power, n**power) for n in (1024, 2048, 4096, 8192)]


def test_growth_measures_every_length(bench: Bench, tmp_path: Path) -> None:
    found = bench("growth", "--longest", 4096, "--plot", tmp_path / "growth.png")
    for name in ("no gate", "gate"):
        assert [row["length"] for row in found[name]] == [1024, 2048, 4096]
        assert all(row["seconds"] > 0 and row["bytes"] > 0 for row in found[name])
    assert (tmp_path / "growth.png").exists()


@pytest.mark.parametrize("power", [1, 2])
def test_exponent_is_the_power_of_the_growth(power: int) -> None:
    assert growth.exponent(sweep(power), "seconds") == pytest.approx(power)
    assert growth.exponent(sweep(power), "bytes") == pytest.approx(power)


def test_table_has_the_sweeps_side_by_side() -> None:
    sweeps = {"no gate": sweep(1), "gate": sweep(2)}
    lines = side_by_side(sweeps).splitlines()
    assert lines[0] == "| tokens | no gate ms | no gate memory | gate ms | gate memory |"
    assert lines[2] == "| 1,024 | 1.0 | 1.0 kB | 1048.6 | 1.0 MB |"
    assert "gate: exponent of time 2.00, memory 2.00 (1 is linear)" in slopes(sweeps)


def test_plot_is_written(tmp_path: Path) -> None:
    plots.growth({"no gate": sweep(1), "gate": sweep(1)}, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")
