"""`rfa-bench operators` on the tiny shape: the runtime's own graph and call, and times that add up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rfa_bench.cli import main
from rfa_bench.measurements.operators import OUTSIDE

Bench = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(("tokens", "batch"), [(1, 1), (8, 1), (1, 3)])
def test_the_time_of_a_call_is_that_of_its_operators_and_what_is_outside(
    tokens: int, batch: int, bench: Bench, twins: Path
) -> None:
    options = ("--size", "tiny", "--keep", twins, "--tokens", tokens, "--batch", batch, "--calls", 4)
    found = bench("operators", *options)
    assert (found["tokens"], found["batch"], found["precision"], found["threads"]) == (tokens, batch, "fp32", 1)
    assert len(found["graphs"]) == 1
    rows = found["rows"]
    assert sum(row["ms"] for row in rows) == pytest.approx(found["profiled_ms"])
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    assert rows[-1]["operator"] == OUTSIDE
    (attention,) = [row for row in rows if row["operator"] == "LinearAttention"]
    assert attention["nodes"] >= 4, "a layer has one, or one for each part of its state"
    assert found["call_ms"] > 0


def test_shapes_tell_the_nodes_of_one_operator_apart(bench: Bench, twins: Path) -> None:
    rows = bench("operators", twins / "rfa-fp32.rfa", "--calls", 2, "--shapes")["rows"]
    products = [row["operator"] for row in rows if row["operator"].startswith("MatMul")]
    assert "MatMul 1x1x128 -> 1x1x512" in products
    assert len(products) > 1


def test_a_bundle_that_is_not_there_is_one_line_and_exit_code_2() -> None:
    result = CliRunner().invoke(main, ["operators", "absent.rfa"])
    assert result.exit_code == 2
    assert "absent.rfa does not exist" in result.stderr.splitlines()[-1]
