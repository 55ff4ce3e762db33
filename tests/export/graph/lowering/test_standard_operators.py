"""What only ONNX Runtime knows, in standard operators: the same numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx_ir as ir
import pytest
from small_graphs import assert_left_alone, assert_same_sums, normal, operators, run, small_graph

from rfa_export.errors import GraphError
from rfa_export.graph.lowering.standard_operators import standard_linear_attention, standard_products

PRODUCT = """g (float[2, 3, 4, 5] a, float[2, 3, 4, 6] b) => (float[2, 3, 5, 6] y)
{ y = com.microsoft.FusedMatMul <transA = 1> (a, b) }"""
OVER_BATCH = """g (float[2, 3, 4, 1, 5] a, float[1, 4, 1, 5, 6] b) => (float[3, 4, 1, 2, 6] y)
{ y = com.microsoft.FusedMatMul <transBatchA = 1> (a, b) }"""
PLAIN_PRODUCT = PRODUCT.replace("transA = 1", "transA = 0").replace("[2, 3, 4, 6] b", "[2, 3, 5, 6] b")
PACKED = """g (float[batch, sequence, 8] q, float[batch, source, 8] k, float[batch, source, 8] v,
   int32[batch, source] m) => (float[batch, sequence, 8] y)
{ y = com.microsoft.MultiHeadAttention <num_heads = 2> (q, k, v, , m) }"""
BY_HEADS = PACKED.replace("[batch, source, 8]", "[batch, 2, source, 4]")
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 0, 0, 0, 0]], np.int32)


def assert_computes_the_same(text: str, *inputs: np.ndarray) -> ir.Model:
    model = small_graph(text)
    before = run(model, *inputs)[0]
    standard_products(model)
    assert not [node for node in model.graph if node.domain]
    assert_same_sums(run(model, *inputs)[0], before)
    return model


def test_a_product_with_its_left_side_transposed() -> None:
    found = assert_computes_the_same(PRODUCT, normal(2, 3, 4, 5), normal(2, 3, 4, 6, seed=1))
    assert operators(found) == ["Transpose", "MatMul"]


def test_a_product_over_the_rows_of_a_batch() -> None:
    found = assert_computes_the_same(OVER_BATCH, normal(2, 3, 4, 1, 5), normal(1, 4, 1, 5, 6, seed=1))
    assert operators(found) == ["Transpose", "MatMul"]


def test_a_product_that_transposes_nothing() -> None:
    found = assert_computes_the_same(PLAIN_PRODUCT, normal(2, 3, 4, 5), normal(2, 3, 5, 6, seed=1))
    assert operators(found) == ["MatMul"]


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("text", [PACKED, BY_HEADS], ids=["packed keys", "keys by heads"])
def test_softmax_attention(text: str, masked: bool) -> None:
    shape = (3, 5, 8) if text == PACKED else (3, 2, 5, 4)
    inputs = [normal(3, 4, 8), normal(*shape, seed=1), normal(*shape, seed=2)]
    if not masked:
        text = text.replace(", , m)", ")").replace(",\n   int32[batch, source] m", "")
    assert_computes_the_same(text, *inputs, *([MASK] if masked else []))


def test_a_row_of_nothing_but_padding_stays_finite() -> None:
    model = small_graph(PACKED)
    standard_products(model)
    inputs = normal(1, 2, 8), normal(1, 3, 8, seed=1), normal(1, 3, 8, seed=2), np.zeros((1, 3), np.int32)
    assert np.isfinite(run(model, *inputs)[0]).all()


def test_attention_with_a_growing_cache_is_refused() -> None:
    text = """g (float[batch, sequence, 24] q, int32[batch] n, int32 t) => (float[batch, sequence, 8] y)
    { y, k, v = com.microsoft.GroupQueryAttention <num_heads = 2, kv_num_heads = 2> (q, , , , , n, t) }"""
    with pytest.raises(GraphError, match="softmax models have target ort"):
        standard_products(small_graph(text))


def test_linear_attention_becomes_the_standards() -> None:
    text = """g (float[1, 3, 8] q, float[1, 2, 4, 4] past) => (float[1, 3, 8] o, float[1, 2, 4, 4] s) {
        o, s = com.microsoft.LinearAttention
            <q_num_heads = 2, kv_num_heads = 2, scale = 0.5, update_rule = "linear"> (q, q, q, past)
    }"""
    model = small_graph(text)
    inputs = normal(1, 3, 8), normal(1, 2, 4, 4, seed=1)
    before = run(model, *inputs)
    standard_linear_attention(model)
    assert [(node.domain, node.op_type) for node in model.graph] == [("", "LinearAttention")]
    assert model.opset_imports[""] == 27
    for found, wanted in zip(run(model, *inputs), before, strict=True):
        assert_same_sums(found, wanted)


@pytest.mark.parametrize("change", [standard_products])
def test_a_standard_graph_is_left_alone(change: Callable[[ir.Model], None]) -> None:
    assert_left_alone(change, small_graph("g (float[2, 3] a, float[3, 2] b) => (float[2, 2] y) { y = MatMul (a, b) }"))
