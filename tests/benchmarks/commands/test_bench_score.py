"""`rfa-bench score` on the tiny shape."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from rfa_bench.cli import main

Bench = Callable[..., dict[str, Any]]


def test_both_systems_score_a_text(bench: Bench, twins: Path) -> None:
    rows = bench("score", "--size", "tiny", "--length", 256, "--rounds", 1, "--keep", twins)["rows"]
    assert [row["system"] for row in rows] == ["rfa", "softmax"]
    for row in rows:
        assert 0 < row["tokens"] < 256
        assert row["tokens_per_s"] > 0
        assert row["peak_rss_bytes"] > 10_000_000


def test_a_bundle_that_is_not_there_is_one_line_and_exit_code_2() -> None:
    result = CliRunner().invoke(main, ["score", "--bundle", "absent.rfa"])
    assert result.exit_code == 2
    assert "absent.rfa does not exist" in result.stderr.splitlines()[-1]
