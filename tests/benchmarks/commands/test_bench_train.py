"""`rfa-bench train` at two short lengths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rfa_bench.commands.train import side_by_side
from rfa_bench.measurements.train import TrainingPlan, TrainingRow, row_of
from rfa_bench.processes.ask import ProbeError, command_of
from rfa_bench.processes.worker import Worker

Bench = Callable[..., dict[str, Any]]
PLAN = TrainingPlan("tiny", [64, 128], 64, "float32", False, threads=1, rounds=1)


def row(system: str, length: int, seconds: float) -> TrainingRow:
    return row_of(PLAN, system, length, seconds, peak=2_000_000)


def test_every_system_is_measured_and_softmax_up_to_a_length(bench: Bench) -> None:
    found = bench("train", "--size", "tiny", "--lengths", "64,128", "--longest-softmax", 64, "--rounds", 1)
    measured = [(line["context"], line["system"]) for line in found["rows"]]
    assert measured == [(64, "softmax"), (64, "rfa"), (64, "rfa-gate"), (128, "rfa"), (128, "rfa-gate")]
    for line in found["rows"]:
        assert line["tokens_per_s"] == pytest.approx(1e3 * line["context"] / line["ms_per_step"])
        assert line["peak_rss_bytes"] > 0


def test_table_says_how_much_faster_than_softmax_where_that_was_measured() -> None:
    text = side_by_side([row("softmax", 64, 0.3), row("rfa", 64, 0.1), row("rfa", 128, 0.2)])
    assert "| 64 | 300 | 100 | 2.0 MB | 2.0 MB | 3.00 |" in text
    assert "| 128 |  | 200 |  | 2.0 MB |  |" in text


def test_a_process_that_ends_early_is_named_with_its_last_words() -> None:
    with pytest.raises(ProbeError, match="KeyError: 'huge'"):
        Worker(command_of("training_worker", "huge", "rfa", "float32", 0, 1))
