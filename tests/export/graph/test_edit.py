"""The small moves that the passes share."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from small_graphs import node_of, operators, run, small_graph

from rfa_export.graph.edit import (
    constant,
    describe_like,
    dims,
    insert_before,
    made_by,
    nodes_of,
    numpy_value,
    only_reader,
    optional_input,
    output_of,
)

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


def test_nodes_are_found_by_their_types_in_the_graphs_order() -> None:
    model = small_graph(CHAIN)
    absolute, product = model.graph
    assert nodes_of(model, "Mul", "Abs") == [absolute, product]
    assert nodes_of(model, "Gather") == []


def test_a_value_knows_who_makes_it() -> None:
    model = small_graph(CHAIN)
    absolute, product = model.graph
    assert made_by(product.inputs[0], "Abs") is absolute
    assert made_by(product.inputs[0], "Neg") is None
    assert made_by(product.inputs[1], "Abs") is None, "a constant is made by no node"
    assert made_by(None, "Abs") is None


def test_a_value_that_is_read_twice_has_no_only_reader() -> None:
    text = "g (float[2] x) => (float[2] y) { a = Abs (x)  b = Neg (a)  y = Mul (b, b) }"
    absolute, negated, product = small_graph(text).graph
    assert only_reader(absolute.outputs[0]) is negated
    assert only_reader(negated.outputs[0]) is None
    assert only_reader(product.outputs[0]) is None


def test_an_input_that_is_not_listed_is_none() -> None:
    node = node_of(small_graph("g (float[4] x, float top) => (float[4] y) { y = Clip (x, , top) }"), "Clip")
    assert [optional_input(node, index) for index in (1, 3)] == [None, None]
    assert optional_input(node, 2) is node.inputs[2]


def test_a_new_value_is_described_like_another() -> None:
    model = small_graph(CHAIN)
    new = ir.node("Neg", [model.graph.inputs[0]]).outputs[0]
    describe_like(new, output_of(model, "y"))
    assert dims(new) == ["batch", 2]
    assert new.dtype == ir.DataType.FLOAT
