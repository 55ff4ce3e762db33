"""Tables and plots of measured rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from rfa_bench import tables as report
from rfa_bench.commands import growth
from rfa_bench.commands.growth import Growth
from rfa_bench.commands.latency import Row


def row(system: str, context: int, ms: float) -> Row:
    return Row(system, context, 1, "fp32", 1, ms, 135_168, 82_000_000)


ROWS = [row("rfa", 128, 0.1), row("rfa", 512, 0.1), row("softmax", 128, 0.2), row("softmax", 512, 0.8)]


def test_table_has_a_line_per_context_and_the_systems_side_by_side() -> None:
    lines = report.table(ROWS).splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("| context | rfa ms/token | softmax ms/token |")
    assert lines[3].startswith("| 512 | 0.100 | 0.800 | 135.2 kB | 135.2 kB | 82.0 MB |")


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (5_000_000_000_000, "5000.0 GB")]
)
def test_bytes_are_written_for_people(count: int, text: str) -> None:
    assert report.size(count) == text


@pytest.mark.parametrize(("power", "slope"), [(1, 1.0), (2, 2.0)])
def test_exponent_is_the_power_of_the_growth(power: int, slope: float) -> None:
    rows = [Growth(n, 1e-6 * n**power, n**power) for n in (1024, 2048, 4096, 8192)]
    assert growth.exponent(rows, "seconds") == pytest.approx(slope)
    assert growth.exponent(rows, "bytes") == pytest.approx(slope)


def test_plots_are_written(tmp_path: Path) -> None:
    report.plot_latency(ROWS, "title", tmp_path / "latency.png")
    sweep = [Growth(n, 1e-6 * n, n) for n in (1024, 2048, 4096, 8192)]
    growth.plot({"no gate": sweep, "gate": sweep}, tmp_path / "growth.png")
    for name in ("latency.png", "growth.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
