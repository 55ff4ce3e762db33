"""The small moves that the passes share."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from small_graphs import node_of, operators, run, small_graph

from rfa_export.graph.edit import constant, dims, insert_before, numpy_value

CHAIN = """g (float[batch, 2] x) => (float[batch, 2] y) <float two = {2.0}, float[batch, 2] h> {
    h = Abs (x)
    y = Mul (h, two)
}"""


def test_a_constant_is_made_once_and_shared() -> None:
    model = small_graph(CHAIN)
    first, second = constant(model, "shape", [0, -1]), constant(model, "shape", [0, -1])
    assert first is second
    assert model.graph.initializers["shape"] is first
    assert first.dtype == ir.DataType.INT64
    assert list(numpy_value(first)) == [0, -1]


def test_a_node_is_put_just_before_another() -> None:
    model = small_graph(CHAIN)
    last = node_of(model, "Mul")
    negated = ir.node("Neg", [last.inputs[0]])
    insert_before(last, negated)
    last.replace_input_with(0, negated.outputs[0])
    assert operators(model) == ["Abs", "Neg", "Mul"]
    assert np.array_equal(run(model, np.array([[1, -3]], np.float32))[0], [[-2, -6]])


def test_dimensions_are_numbers_or_names_and_none_where_one_is_unknown() -> None:
    model = small_graph("g (float[batch, 2, N] x, float[batch, ?] u, float z) => (float[2] y) { y = Foo (x, u, z) }")
    known, partly, scalar = model.graph.inputs
    assert dims(known) == ["batch", 2, "N"]
    assert dims(partly) is None
    assert dims(scalar) == []
    scalar.shape = None
    assert dims(scalar) is None
    assert dims(None) is None


def test_values_of_a_constant_are_known_and_of_anything_computed_not() -> None:
    model = small_graph(CHAIN)
    hidden, two = node_of(model, "Mul").inputs
    assert numpy_value(two) == 2
    assert numpy_value(hidden) is None
    assert numpy_value(None) is None
