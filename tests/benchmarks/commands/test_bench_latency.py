"""`rfa-bench latency` on the tiny shape: the figures are there, and of a plausible kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rfa_bench.cli import main
from rfa_bench.commands.latency import side_by_side
from rfa_bench.measurements import plots
from rfa_bench.measurements.latency import LatencyRow, rows_of_json

Bench = Callable[..., dict[str, Any]]


def row(system: str, context: int, ms: float) -> LatencyRow:
    return LatencyRow(system, context, 1, "fp32", 1, ms, 135_168, 82_000_000)


ROWS = [row("rfa", 128, 0.1), row("rfa", 512, 0.1), row("softmax", 128, 0.2), row("softmax", 512, 0.8)]


def test_latency_measures_both_systems_at_every_context(bench: Bench, twins: Path, tmp_path: Path) -> None:
    plot = tmp_path / "latency.png"
    options = ("--size", "tiny", "--contexts", "8,600", "--rounds", 1, "--burst", 2, "--keep", twins, "--plot", plot)
    rows = bench("latency", *options)["rows"]
    assert [(r["system"], r["context"]) for r in rows] == [(s, c) for s in ("rfa", "softmax") for c in (8, 600)]
    for entry in rows:
        assert (entry["batch"], entry["precision"], entry["threads"]) == (1, "fp32", 1)
        assert entry["ms_per_token"] > 0
        assert entry["peak_rss_bytes"] > 10_000_000
    rfa, cache = rows[:2], rows[2:]
    assert [r["state_bytes"] for r in rfa] == [4 * 4 * 64 * 33 * 4] * 2
    assert [r["state_bytes"] for r in cache] == [2 * 4 * 4 * c * 32 * 4 for c in (8, 600)]
    assert plot.exists()


def test_table_has_a_line_per_context_and_the_systems_side_by_side() -> None:
    lines = side_by_side(ROWS).splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("| context | rfa ms/token | softmax ms/token |")
    assert lines[3].startswith("| 512 | 0.100 | 0.800 | 135.2 kB | 135.2 kB | 82.0 MB |")


def test_a_plot_can_be_drawn_again_from_the_rows_of_json(tmp_path: Path) -> None:
    printed = tmp_path / "latency.json"
    printed.write_text(json.dumps({"machine": {}, "rows": [vars(entry) for entry in ROWS]}))
    assert rows_of_json(printed) == ROWS
    plots.latency(rows_of_json(printed), "title", tmp_path / "latency.png")
    assert (tmp_path / "latency.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--contexts", "few"], "wanted numbers above zero such as 128,512"),
        (["--contexts", "0,5"], "'0,5' came"),
        (["--checkpoint", "model.pt"], "go together"),
        (["--checkpoint", "absent.pt", "--bundle", "absent.rfa"], "absent.pt"),
        (["--block-size", "64"], "fp32 weights have no blocks"),
    ],
)
def test_bad_requests_are_one_line_and_exit_code_2(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(main, ["latency", *arguments])
    assert result.exit_code == 2
    assert words in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.output
