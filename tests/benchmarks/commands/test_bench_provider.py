"""`--provider` of every measurement: refused in one line where it is not there, before anything is exported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
from click.testing import CliRunner
from pages import ROOT

from rfa_bench.cli import main
from rfa_bench.measurements import decode, targets
from rfa_bench.measurements.subject import of_shape
from rfa_bench.systems.catalogue import SYSTEMS
from rfa_export.targets.export_config import ExportConfig
from rfa_runtime.bundle.bundle import shipped_bundle

Bench = Callable[..., dict[str, Any]]
OLDER = ROOT / "tests" / "data" / "before_folders"
SHIPPED = str(shipped_bundle())
MEASUREMENTS = {
    "decode": ["--size", "tiny"],
    "prefill": ["--size", "tiny"],
    "batch": ["--size", "tiny"],
    "memory": ["--size", "tiny"],
    "score": ["--size", "tiny"],
    "operators": ["--size", "tiny"],
    "translate": ["--size", "tiny"],
    "classify": ["--size", "tiny"],
    "growth": [],
    "steady": [],
    "streams": ["--size", "tiny"],
    "company": [SHIPPED],
    "load": [SHIPPED],
    "speculation": [SHIPPED, "--text", str(ROOT / "README.md")],
    "overhead": ["--size", "tiny"],
    "targets": ["--size", "tiny"],
    "agreement": [str(OLDER / "translator.pt"), str(OLDER / "translator.rfa"), str(ROOT / "README.md")],
}
NO_PROVIDER = {
    "systems": "it measures nothing",
    "report": "it measures nothing",
    "paper": "`translate` is for other devices",
    "all": "it is for the processor; `gpu` runs all that a GPU must be asked",
    "export": "rfa-export verifies on the processor",
    "compare": "older checkouts have no such choice",
    "scale": "gloo and rfa-run on processors",
    "page": "a browser chooses its own device",
    "programs": "the programs outside Python are for the processor",
    "roofline": "it measures the processor's memory",
    "train": "torch chooses a device, not ONNX Runtime",
}

without_cuda = pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="this ONNX Runtime has CUDA"
)


def test_every_measurement_has_the_option() -> None:
    """All that run a graph of ours; `gpu` runs the others."""
    assert {*MEASUREMENTS, *NO_PROVIDER, "gpu"} == set(main.commands)
    for name, command in main.commands.items():
        options = {option for parameter in command.params for option in parameter.opts}
        assert ("--provider" in options) == (name not in NO_PROVIDER), name


@without_cuda
@pytest.mark.parametrize("name", MEASUREMENTS)
def test_a_device_that_is_not_there_is_one_line_and_exit_code_2(name: str) -> None:
    result = CliRunner().invoke(main, [name, *MEASUREMENTS[name], "--provider", "cuda"])
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "has no CUDAExecutionProvider" in line or "Torch not compiled with CUDA" in line


@pytest.mark.parametrize("precision", ["int4", "int8"])
def test_blocks_too_large_for_cuda_are_refused(precision: str) -> None:
    options = ["decode", "--provider", "cuda", "--precision", precision, "--block-size", "256"]
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 2
    assert result.stderr == "Error: blocks of 256 weights came, CUDA's kernels have 128 at most: --block-size 128\n"


def test_rows_say_where_they_were_measured(bench: Bench, twins: Path) -> None:
    options = ("--size", "tiny", "--depths", "8", "--keep", twins, "--provider", "cpu")
    for row in bench("memory", *options)["rows"]:
        assert row["provider"] == "cpu"
        assert row["device_bytes"] is None


def test_the_provider_reaches_every_session(twins: Path) -> None:
    """A worker that is told of a device that is not there says so."""
    subject = of_shape("tiny", None, ExportConfig(), twins)
    plan = decode.DecodePlan([8], 1, 1, 1, 1, 2, "abacus")
    (row,) = decode.measure(subject, [SYSTEMS["rfa"]], plan, lambda _: None)
    assert "provider is 'abacus', wanted cpu or cuda" in row.reason


def test_only_our_own_target_is_decoded_on_a_gpu() -> None:
    assert targets.targets_with("fp32", "cuda") == ["ort"]
    assert {"ort", "plain"} < set(targets.targets_with("fp32", "cpu"))
