"""What a step must move: a weight once, however many names and readers it has, and a state in and out."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from rfa_bench.subjects.moved_bytes import bytes_of, place_of, read_whole, state_traffic
from rfa_runtime.bundle.manifest import StateSpec


def stored(name: str, offset: int, length: int) -> TensorProto:
    """A weight that lies in another file."""
    tensor = TensorProto(name=name, data_location=TensorProto.EXTERNAL)
    for key, value in (("location", "model.onnx.data"), ("offset", str(offset)), ("length", str(length))):
        tensor.external_data.add(key=key, value=value)
    return tensor


def test_two_names_of_one_place_are_one_weight() -> None:
    rows = stored("rows", 4096, 800)
    blocks = stored("blocks", 4096, 800)
    assert place_of(rows) == place_of(blocks) == ("model.onnx.data", 4096)
    assert place_of(stored("other", 8192, 800)) != place_of(rows)
    assert bytes_of(rows) == 800


def test_a_weight_inside_of_the_graph_has_its_own_bytes() -> None:
    tensor = onnx.numpy_helper.from_array(np.zeros((3, 4), np.float32), "scale")
    assert place_of(tensor) == ("scale", 0)
    assert bytes_of(tensor) == 48


def test_a_table_that_is_only_looked_up_is_not_read_whole() -> None:
    nodes = [
        helper.make_node("Gather", ["embedding", "ids"], ["x"]),
        helper.make_node("Gather", ["tied", "ids"], ["y"]),
        helper.make_node("MatMul", ["x", "tied"], ["logits"]),
    ]
    found = read_whole(nodes)
    assert "tied" in found
    assert "embedding" not in found


@pytest.mark.parametrize(
    ("kind", "shape", "moved"),
    [("recurrent", ("batch", 2, 8, 4), 2 * 3 * 256), ("cache", ("batch", 2, "capacity", 4), 3 * 5 * 32)],
)
def test_a_state_is_read_and_written_and_a_cache_is_read(kind: str, shape: tuple[int | str, ...], moved: int) -> None:
    state = StateSpec(kind, "past", "present", "float32", shape)
    assert state_traffic([state], context=5, batch=3) == moved
