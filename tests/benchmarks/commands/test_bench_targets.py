"""`rfa-bench targets` on the tiny shape, in one precision."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from rfa_bench.commands.targets import table_of
from rfa_bench.measurements.targets import DECODERS, TargetRow, decoder_of
from rfa_export.targets.catalogue import TARGETS, WITH_GRAPHS

Bench = Callable[..., dict[str, Any]]


def test_every_target_of_a_precision_is_decoded(bench: Bench, tmp_path: Path) -> None:
    rows = bench("targets", "--size", "tiny", "--precisions", "int8", "--bursts", 1, "--keep", tmp_path)["rows"]
    assert [row["system"] for row in rows] == [name for name in WITH_GRAPHS if "int8" in TARGETS[name].precisions]
    for row in rows:
        assert row["ms_per_token"] > 0
        assert 0 < row["file_bytes"] < sum(file.stat().st_size for file in (tmp_path / "int8.rfa").iterdir())
        assert row["parity"]


@pytest.mark.parametrize("target", WITH_GRAPHS)
def test_every_target_has_a_program_that_decodes_with_it(target: str) -> None:
    assert target in DECODERS
    assert find_spec(f"rfa_bench.processes.decoders.{decoder_of(target)}") is not None


def test_table_has_a_line_per_target_and_precision() -> None:
    row = TargetRow("ort", "int4", "onnxruntime", 1, 5_000, 12.0, 0.5, 80_000_000, None, {"onnxruntime": "8 of 8"})
    lines = table_of([row]).splitlines()
    assert lines[1] == "|---|---|---|---:|---:|---:|---:|---:|---|"
    assert lines[2] == "| ort | int4 | onnxruntime | 5.0 kB | 12 ms | 0.500 | 80.0 MB |  | onnxruntime: 8 of 8 |"
