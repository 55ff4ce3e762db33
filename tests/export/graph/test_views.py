"""Views by constants: the same tensors without computing their shapes."""

from __future__ import annotations

import numpy as np
import pytest
from small_graphs import assert_left_alone, node_of, normal, operators, run, small_graph

from rfa_export.graph.cleanup import remove_unused
from rfa_export.graph.edit import numpy_value
from rfa_export.graph.views import constant_views, reshape_target

COMPUTED = """g (float[batch, sequence, 16] x) => (float[batch, sequence, 2, 8] y)
<int64[1] zero = {0}, int64[1] one = {1}, int64[2] heads = {2, 8}, float[batch, sequence, 2, 8] v> {
    shape = Shape (x)
    rows = Gather (shape, zero)
    count = Gather (shape, one)
    target = Concat <axis = 0> (rows, count, heads)
    v = Reshape (x, target)
    y = Abs (v)
}"""
CHAIN = """g (float[batch, sequence, 16] x) => (float[batch, sequence, 2, 8] y)
<int64[1] two = {2}, int64[3] packed = {0, 0, 16}, int64[4] heads = {0, 0, 2, 8},
 float[batch, sequence, 1, 16] a, float[batch, sequence, 16] b, float[batch, sequence, 2, 8] c> {
    a = Unsqueeze (x, two)
    b = Reshape (a, packed)
    c = Reshape (b, heads)
    y = Abs (c)
}"""
THERE_AND_BACK = """g (float[batch, sequence, 16] x) => (float[batch, sequence, 16] y)
<int64[4] heads = {0, 0, 2, 8}, int64[3] packed = {0, 0, 16},
 float[batch, sequence, 2, 8] a, float[batch, sequence, 16] b> {
    a = Reshape (x, heads)
    b = Reshape (a, packed)
    y = Abs (b)
}"""
FLATTENED = """g (float[batch, sequence, 16] x) => (float[rows, 16] y)
<int64[1] one = {1}, int64[2] target = {-1, 16}, float[rows, 16] v> {
    v = Reshape (x, target)
    y = Abs (v)
}"""
UNSQUEEZED = """g (float[batch, sequence, 16] x) => (float[batch, sequence, 1, 16] y)
<int64[1] axis = {2}, float[batch, sequence, 1, 16] v> {
    v = Unsqueeze (x, axis)
    y = Abs (v)
}"""


@pytest.mark.parametrize(
    ("text", "target"),
    [(COMPUTED, [0, 0, 2, 8]), (CHAIN, [0, 0, 2, 8]), (FLATTENED, [-1, 16]), (UNSQUEEZED, [0, 0, 1, 16])],
    ids=["computed shape", "view of views", "dimensions flattened", "dimension of one"],
)
def test_views_become_one_reshape_by_a_constant(text: str, target: list[int]) -> None:
    model = small_graph(text)
    inputs = [normal(2, 3, 16), normal(1, 5, 16)]
    before = [run(model, x)[0] for x in inputs]
    constant_views(model)
    remove_unused(model)
    assert operators(model) == ["Reshape", "Abs"]
    assert list(numpy_value(node_of(model, "Reshape").inputs[1])) == target
    for x, wanted in zip(inputs, before, strict=True):
        assert np.array_equal(run(model, x)[0], wanted)


def test_views_that_change_nothing_go() -> None:
    model = small_graph(THERE_AND_BACK)
    constant_views(model)
    remove_unused(model)
    assert operators(model) == ["Abs"]


def test_a_view_that_others_read_too_stays_for_them() -> None:
    model = small_graph(
        """g (float[batch, sequence, 16] x) => (float[batch, sequence, 16] y, float[batch, sequence, 2, 8] z)
        <int64[4] heads = {0, 0, 2, 8}, int64[3] packed = {0, 0, 16},
         float[batch, sequence, 2, 8] a, float[batch, sequence, 16] b> {
            a = Reshape (x, heads)
            b = Reshape (a, packed)
            y = Abs (b)
            z = Neg (a)
        }"""
    )
    x = normal(2, 3, 16)
    before = run(model, x)
    constant_views(model)
    remove_unused(model)
    assert operators(model) == ["Reshape", "Abs", "Neg"]
    for found, wanted in zip(run(model, x), before, strict=True):
        assert np.array_equal(found, wanted)


@pytest.mark.parametrize(
    "text",
    [
        """g (float[batch, sequence, 16] x, int64[3] shape) => (float[sequence, batch, 16] y)
        <float[sequence, batch, 16] v> {
            v = Reshape (x, shape)
            y = Abs (v)
        }""",
        """g (float[?, 16] x, int64[2] shape) => (float[?, 16] y) <float[?, 16] v> {
            v = Reshape (x, shape)
            y = Abs (v)
        }""",
        """g (float[batch, 16] x) => (float[16, batch] y) <float[16, batch] v> {
            v = Transpose <perm = [1, 0]> (x)
            y = Abs (v)
        }""",
    ],
    ids=["two free dimensions change places", "unknown dimensions are not equal", "no view"],
)
def test_what_no_constant_says_is_left_alone(text: str) -> None:
    assert_left_alone(constant_views, small_graph(text))


def test_a_view_that_is_an_output_keeps_its_name() -> None:
    model = small_graph(
        """g (float[batch, sequence, 16] x) => (float[batch, sequence, 2, 8] y) <int64[4] heads = {0, 0, 2, 8}> {
            y = Reshape (x, heads)
        }"""
    )
    x = normal(2, 3, 16)
    constant_views(model)
    remove_unused(model)
    assert [value.name for value in model.graph.outputs] == ["y"]
    assert np.array_equal(run(model, x)[0], x.reshape(2, 3, 2, 8))


def test_targets_keep_one_dimension_and_leave_one_open() -> None:
    assert reshape_target(["B", "T", 16], ["B", "T", 2, 8]) == [0, 0, 2, 8]
    assert reshape_target(["B", "T", 16], ["B*T", 16]) == [-1, 16]
    assert reshape_target(["B", "T", 16], ["T", "B", 16]) is None
    assert reshape_target(None, [1]) is None
    assert reshape_target([1], None) is None
