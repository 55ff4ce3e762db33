"""`rfa-bench prompt` on the tiny shape."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rfa_bench.cli import main
from rfa_bench.commands.prompt import side_by_side
from rfa_bench.measurements.prompt import PromptRow

Bench = Callable[..., dict[str, Any]]


def test_both_systems_read_every_prompt_and_score_a_text(bench: Bench, twins: Path) -> None:
    options = ("--size", "tiny", "--lengths", "8,600", "--scored", 256, "--rounds", 1, "--keep", twins)
    rows = bench("prompt", *options)["rows"]
    names = [(row["system"], row["test"].rstrip("0123456789")) for row in rows]
    assert names == [(system, test) for test in ("pp", "pp", "score") for system in ("rfa", "softmax")]
    assert [row["context"] for row in rows[:4]] == [8, 8, 600, 600]
    for row in rows:
        assert row["tokens_per_s"] == pytest.approx(1e3 / row["ms_per_token"])
        assert row["peak_rss_bytes"] > 10_000_000
    for row in rows[:4]:
        assert row["ttft_s"] == pytest.approx(row["context"] / row["tokens_per_s"])
        assert row["state_bytes"] > 0


def test_a_bundle_is_measured_by_itself(bench: Bench, twins: Path) -> None:
    bundle = twins / "rfa-fp32.rfa"
    options = ("--bundle", bundle, "--lengths", 8, "--scored", 0, "--rounds", 1)
    (row,) = bench("prompt", *options)["rows"]
    assert (row["system"], row["test"]) == ("rfa-fp32.rfa", "pp8")


def test_table_has_a_line_per_text_and_the_systems_side_by_side() -> None:
    rows = [
        PromptRow("rfa", "pp512", 512, 1, "fp32", 1, 1024.0, 0.98, 0.5, 1_000, 82_000_000),
        PromptRow("rfa", "score99", 99, 1, "fp32", 1, 990.0, 1.01, None, None, 90_000_000),
    ]
    lines = side_by_side(rows).splitlines()
    assert lines[0] == "| test | rfa tokens/s | rfa first token | rfa peak RSS |"
    assert lines[2] == "| pp512 | 1,024 | 0.50 s | 82.0 MB |"
    assert lines[3] == "| score99 | 990 |  | 90.0 MB |"


def test_a_bundle_that_is_not_there_is_one_line_and_exit_code_2() -> None:
    result = CliRunner().invoke(main, ["prompt", "--bundle", "absent.rfa"])
    assert result.exit_code == 2
    assert "absent.rfa does not exist" in result.stderr.splitlines()[-1]
