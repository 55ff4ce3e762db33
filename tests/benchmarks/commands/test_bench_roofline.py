"""`rfa-bench roofline` on the tiny shape: bytes, speeds and the ratio that they make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rfa_bench.cli import main
from rfa_bench.measurements import roofline

Bench = Callable[..., dict[str, Any]]


def test_a_step_stands_beside_what_it_must_move(bench: Bench, twins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roofline, "larger_buffer", lambda: 8_000_000)
    options = ("--size", "tiny", "--precisions", "fp32", "--context", 8, "--batch", 2, "--starts", 1, "--rounds", 2)
    (row,) = bench("roofline", *options, "--keep", twins)["rows"]
    assert (row["system"], row["context"], row["batch"], row["precision"]) == ("rfa", 8, 2, "fp32")
    stored = (twins / "rfa-fp32.rfa" / "model.onnx.data").stat().st_size
    assert stored * 0.9 < row["weight_bytes"] < stored * 1.01
    assert row["moved_bytes"] == row["weight_bytes"] + 2 * row["state_bytes"]
    assert row["roofline_ms"] == pytest.approx(row["moved_bytes"] / row["gb_per_s"] / 1e6)
    assert row["memory_buffer_bytes"] == 8_000_000
    assert row["memory_gb_per_s"] > 0
    assert row["share"] > 0


def test_the_larger_buffer_is_larger_than_the_cache_and_leaves_memory_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roofline, "largest_cache_bytes", lambda: 100_000_000)
    monkeypatch.setattr(roofline, "available_bytes", lambda: 10**12)
    assert roofline.larger_buffer() == 400_000_000
    monkeypatch.setattr(roofline, "available_bytes", lambda: 10**9)
    assert roofline.larger_buffer() == 250_000_000


def test_a_precision_that_nobody_has_is_one_line_and_exit_code_2() -> None:
    result = CliRunner().invoke(main, ["roofline", "--precisions", "fp32,fp7"])
    assert result.exit_code == 2
    assert "'fp7' came" in result.stderr.splitlines()[-1]
