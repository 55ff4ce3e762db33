"""Weights lie on the disk once, whoever reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest
from small_graphs import assert_same_numbers, normal, run, small_graph

from rfa_export.graph.weights import INLINE_BYTES, save_graphs, write_tensors

GRAPH = """g (float[batch, 32] x) => (float[batch, 32] y) {
    h = MatMul (x, w)
    y = Add (h, bias)
}"""
WEIGHTS = {"w": normal(32, 32), "bias": normal(32, seed=1)}


def external(file: Path) -> list[str]:
    graph = onnx.load(file, load_external_data=False).graph
    return [tensor.name for tensor in graph.initializer if tensor.data_location == onnx.TensorProto.EXTERNAL]


def test_two_graphs_point_at_one_copy(tmp_path: Path) -> None:
    first = small_graph(GRAPH, **WEIGHTS)
    second = first.clone()
    x = normal(3, 32, seed=2)
    wanted = run(first, x)[0]
    save_graphs({"a.onnx": first, "b.onnx": second}, tmp_path, "shared.data")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.onnx", "b.onnx", "shared.data"]
    assert (tmp_path / "shared.data").stat().st_size == WEIGHTS["w"].nbytes
    for name in ("a.onnx", "b.onnx"):
        assert external(tmp_path / name) == ["w"]
        found = onnxruntime.InferenceSession(tmp_path / name).run(None, {"x": x})[0]
        assert_same_numbers(found, wanted)


def test_a_weight_of_only_one_graph_is_stored_beside_the_shared_ones(tmp_path: Path) -> None:
    first, second = (
        small_graph(GRAPH, **WEIGHTS),
        small_graph(GRAPH.replace("w)", "v)"), v=normal(32, 32, seed=5), bias=WEIGHTS["bias"]),
    )
    x = normal(3, 32, seed=2)
    wanted = run(second, x)[0]
    save_graphs({"a.onnx": first, "b.onnx": second}, tmp_path, "shared.data")
    assert external(tmp_path / "a.onnx") == ["w"]
    assert external(tmp_path / "b.onnx") == ["v"]
    found = onnxruntime.InferenceSession(tmp_path / "b.onnx").run(None, {"x": x})[0]
    assert_same_numbers(found, wanted)


def test_equal_weights_of_other_names_are_one_and_unequal_ones_of_one_name_are_two(tmp_path: Path) -> None:
    first = small_graph(GRAPH, **WEIGHTS)
    renamed = small_graph(GRAPH.replace("w)", "v)"), v=WEIGHTS["w"].copy(), bias=WEIGHTS["bias"])
    other = small_graph(GRAPH, w=normal(32, 32, seed=5), bias=WEIGHTS["bias"])
    x = normal(3, 32, seed=2)
    graphs = {"a.onnx": first, "b.onnx": renamed, "c.onnx": other}
    wanted = {name: run(model, x)[0] for name, model in graphs.items()}
    save_graphs(graphs, tmp_path, "shared.data")
    assert [external(tmp_path / name) for name in graphs] == [["w"], ["v"], ["w"]]
    assert (tmp_path / "shared.data").stat().st_size == 2 * WEIGHTS["w"].nbytes
    for name in graphs:
        found = onnxruntime.InferenceSession(tmp_path / name).run(None, {"x": x})[0]
        assert_same_numbers(found, wanted[name])


def test_equal_bytes_of_another_shape_are_another_weight(tmp_path: Path) -> None:
    first = small_graph(GRAPH, **WEIGHTS)
    second = small_graph(
        "g (float[batch, 64] x) => (float[batch, 16] y) { y = MatMul (x, w) }", w=WEIGHTS["w"].reshape(64, 16)
    )
    save_graphs({"a.onnx": first, "b.onnx": second}, tmp_path, "shared.data")
    found = onnxruntime.InferenceSession(tmp_path / "b.onnx").run(None, {"x": np.eye(64, dtype=np.float32)})[0]
    assert np.array_equal(found, WEIGHTS["w"].reshape(64, 16))


def test_small_tensors_stay_in_the_graph(tmp_path: Path) -> None:
    model = small_graph(GRAPH, **WEIGHTS)
    save_graphs({"a.onnx": model}, tmp_path, "shared.data")
    tensors = {
        tensor.name: tensor for tensor in onnx.load(tmp_path / "a.onnx", load_external_data=False).graph.initializer
    }
    assert WEIGHTS["bias"].nbytes <= INLINE_BYTES < WEIGHTS["w"].nbytes
    assert np.array_equal(onnx.numpy_helper.to_array(tensors["bias"]), WEIGHTS["bias"])
    assert tensors["w"].external_data[0].value == "shared.data"


def test_graphs_of_only_small_tensors_can_be_saved(tmp_path: Path) -> None:
    model = small_graph("g (float[batch, 2] x) => (float[batch, 2] y) <float[2] w = {1.0, 2.0}> { y = Mul (x, w) }")
    save_graphs({"a.onnx": model}, tmp_path, "shared.data")
    found = onnxruntime.InferenceSession(tmp_path / "a.onnx").run(None, {"x": np.ones((1, 2), np.float32)})[0]
    assert np.array_equal(found, [[1, 2]])


def test_a_failed_write_that_does_not_say_why_asks_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("problem writing element 5 to file")  # numpy's words, without an error number

    monkeypatch.setattr(ir.external_data, "convert_tensors_to_external", fail)
    with pytest.raises(OSError, match=r"w\.data could not be written \(problem .*\): is the disk full"):
        write_tensors([], tmp_path, "w.data")
