"""What ONNX Runtime prints by itself does not stand beside our line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import onnx
from toy_bundles import environment, toy_files, toy_manifest

from rfa_runtime import write_bundle

TOO_LARGE = 1 << 62
"""Numbers of 4 bytes: their bytes overflow."""


def with_too_large_weights(graph: bytes) -> bytes:
    """The graph with a tensor of weights that cannot be, added to its logits."""
    model = onnx.ModelProto.FromString(graph)
    large = model.graph.initializer.add(name="large", dims=[TOO_LARGE], data_type=onnx.TensorProto.FLOAT)
    large.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": "weights.data", "offset": "0", "length": "0"}.items():
        large.external_data.add(key=key, value=value)
    (last,) = (node for node in model.graph.node if "logits" in node.output)
    last.output[list(last.output).index("logits")] = "sound"
    model.graph.node.add(op_type="ReduceMax", input=["large"], output=["number"])
    model.graph.node.add(op_type="Add", input=["sound", "number"], output=["logits"])
    return model.SerializeToString()


def test_weights_too_large_to_count_are_one_line(tmp_path: Path) -> None:
    files = toy_files()
    files["model.onnx"] = with_too_large_weights(files["model.onnx"])
    files["weights.data"] = bytes(4)
    write_bundle(tmp_path / "toy.rfa", toy_manifest(), files)
    command = [sys.executable, "-m", "rfa_runtime.commands.run", tmp_path / "toy.rfa", "x"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment())
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ONNX Runtime cannot load model.onnx")
    assert done.stderr.count("\n") == 1
