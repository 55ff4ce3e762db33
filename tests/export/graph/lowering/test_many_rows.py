"""Graphs for many tokens and rows compute what the graph of one token does."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from small_graphs import assert_left_alone, normal, operators, run, small_graph

from rfa_export.graph.cleanup import cleanup, remove_unused
from rfa_export.graph.lowering.fuse import add_biases
from rfa_export.graph.lowering.many_rows import project_many
from rfa_export.graph.lowering.whole_products import MIDDLE, WholeProducts, whole_weight
from rfa_export.graph.rounding.whole_numbers import Quantizer
from rfa_export.precision import precision_of

PROJECTION = """g (int64[batch, sequence] input_ids, float[batch, sequence, 2, 3, 1, 4] x)
=> (float[batch, sequence, 2, 3, 1, 5] y) {
    y = MatMul (x, w)
}"""
SEVERAL = """g (float[batch, sequence, 64] x) => (float[batch, sequence, 64] y)
<float[batch, sequence, 64] first, float[batch, sequence, 64] sum> {
    first = MatMul (x, w)
    sum = Add (first, bias)
    y = MatMul (sum, w)
}"""
ROUNDED = 0.04
"""Of the largest result, after two products one behind the other whose sides have 8 bits or less: measured 2.6%."""


def two_products() -> ir.Model:
    """A product of a product, by one weight of 64 rows and columns."""
    return small_graph(SEVERAL, w=normal(64, 64), bias=normal(64))


@pytest.mark.parametrize(("rows", "tokens"), [(1, 1), (3, 1), (1, 7), (2, 5)])
def test_heads_are_projected_as_before(rows: int, tokens: int) -> None:
    matrices = normal(3, 4, 5)
    model = small_graph(PROJECTION, w=matrices)
    x = normal(rows, tokens, 2, 3, 1, 4)
    project_many(model)
    assert "FusedMatMul" in operators(model)
    (found,) = run(model, input_ids=np.zeros((rows, tokens), np.int64), x=x)
    np.testing.assert_allclose(found, x @ matrices, rtol=1e-5, atol=1e-6)


def test_other_products_are_left_alone() -> None:
    assert_left_alone(project_many, two_products())


@pytest.mark.parametrize("precision", ["int8", "int4"])
def test_products_of_whole_numbers_are_those_of_the_rounded_weights(precision: str) -> None:
    model = two_products()
    Quantizer(precision_of(precision, 32)).convert(model)
    add_biases(model)
    remove_unused(model)
    assert "Add" not in operators(model), "the first product has its bias within"
    x = normal(2, 9, 64)
    (wanted,) = run(model, x=x)
    WholeProducts()(model)
    cleanup(model)
    assert "MatMulNBits" not in operators(model)
    (found,) = run(model, x=x)
    assert np.abs(found - wanted).max() <= ROUNDED * np.abs(wanted).max()


def test_a_row_does_not_depend_on_the_others() -> None:
    model = two_products()
    Quantizer(precision_of("int4", 32)).convert(model)
    WholeProducts()(model)
    x = normal(2, 9, 64)
    x[0, 3] = 0
    x[1, 4] *= 1e6
    (together,) = run(model, x=x)
    for row in range(2):
        for token in range(9):
            alone = x[row : row + 1, token : token + 1]
            (found,) = run(model, x=alone)
            assert (found[0, 0] == together[row, token]).all()


def test_graphs_of_a_bundle_share_the_weights() -> None:
    model = two_products()
    Quantizer(precision_of("int4", 32)).convert(model)
    other = model.clone()
    whole = WholeProducts()
    whole(model)
    whole(other)
    found = [id(value.const_value) for value in model.graph.initializers.values() if value.dtype == ir.DataType.INT8]
    again = [id(value.const_value) for value in other.graph.initializers.values() if value.dtype == ir.DataType.INT8]
    assert found == again != []


def test_two_products_never_leave_16_bits() -> None:
    """What processors without VNNI add up in 16 bits, a pair at a time."""
    numbers = whole_weight(normal(64, 64) * 100).numbers.numpy()
    assert 2 * (MIDDLE + 127) * int(np.abs(numbers).max()) < 1 << 15


def test_columns_of_zeros_stay_zero() -> None:
    weight = whole_weight(np.zeros((2, 32), np.float32))
    assert not weight.numbers.numpy().any()
    assert np.isfinite(weight.scales.numpy()).all()
