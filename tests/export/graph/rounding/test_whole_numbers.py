"""Weights of a few bits: ONNX Runtime's operators, the standard's, and the numbers themselves agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx_ir as ir
import pytest
from small_graphs import assert_left_alone, assert_same_numbers, assert_same_sums, normal, operators, run, small_graph

from rfa_export.graph.lowering.older_opset import lower_to_opset
from rfa_export.graph.lowering.standard_operators import standard_products
from rfa_export.graph.rounding.whole_numbers import Quantizer
from rfa_export.precision import PRECISIONS, Precision

PRODUCT = "g (float[batch, sequence, 64] x) => (float[batch, sequence, 24] y) { y = MatMul (x, w) }"
TIED = """g (int64[batch, sequence] ids) => (float[batch, sequence, 96] y)
<float[batch, sequence, 64] x, float[64, 96] turned> {
    x = Gather (e, ids)
    turned = Transpose <perm = [1, 0]> (e)
    y = MatMul (x, turned)
}"""
ROUNDED_INPUTS = 0.02
"""Of the largest result: MatMulNBits rounds what it multiplies to 8 bits in blocks, 0.4% of the largest in a block."""
COARSE = pytest.mark.parametrize("precision", [PRECISIONS["int8"], PRECISIONS["int4"]], ids=lambda p: p.name)


def quantized(text: str, precision: Precision, **weights: np.ndarray) -> ir.Model:
    model = small_graph(text, **weights)
    Quantizer(precision).convert(model)
    return model


def rounded(weight: np.ndarray, precision: Precision) -> np.ndarray:
    """[K, N]: what the numbers stand for."""
    return Quantizer(precision).rounded(weight).values().T


@pytest.mark.parametrize(("columns", "block", "even"), [(64, 64, 32), (768, 128, 128), (576, 64, 32), (96, 32, None)])
def test_a_row_may_have_to_have_an_even_number_of_blocks(columns: int, block: int, even: int | None) -> None:
    precision = PRECISIONS["int4"]
    assert precision.block_of(columns) == block
    assert replace(precision, even_blocks=True).block_of(columns) == even
    assert replace(PRECISIONS["int8"], even_blocks=True).block_of(columns) == block, "it has no zero points"


@COARSE
def test_numbers_are_within_half_a_step_of_the_weights(precision: Precision) -> None:
    weight = normal(64, 24)
    # 64 rows are one block.
    if precision.symmetric:
        steps = np.abs(weight).max(0, keepdims=True) / (1 << (precision.bits - 1))
    else:
        steps = np.ptp(weight, axis=0, keepdims=True) / ((1 << precision.bits) - 1)
    error = np.abs(rounded(weight, precision) - weight)
    # One end of the range has a step less, or is cut by as much as the zero point is rounded.
    assert (error <= steps * 1.001).all()
    assert (error <= steps * 0.501).mean() > 0.95


@COARSE
def test_zeros_and_their_columns_stay_exact(precision: Precision) -> None:
    weight = normal(64, 24)
    weight[:, 3], weight[7] = 0, 0
    found = rounded(weight, precision)
    assert not found[:, 3].any()
    assert not found[7].any()
    assert np.array_equal(rounded(-weight, precision), -found)


@COARSE
def test_a_product_reads_rounded_weights(precision: Precision) -> None:
    weight, x = normal(64, 24), normal(2, 3, 64, seed=1)
    model = quantized(PRODUCT, precision, w=weight)
    assert operators(model) == ["MatMulNBits"]
    exact = x @ rounded(weight, precision)
    np.testing.assert_allclose(run(model, x)[0], exact, atol=ROUNDED_INPUTS * np.abs(exact).max())
    standard_products(model)
    assert operators(model) == ["DequantizeLinear", "Transpose", "MatMul"]
    assert_same_sums(run(model, x)[0], exact)


@COARSE
def test_a_tied_embedding_keeps_one_set_of_numbers(precision: Precision) -> None:
    embedding, ids = normal(96, 64), np.array([[0, 95, 7], [1, 1, 50]])
    model = quantized(TIED, precision, e=embedding)
    assert operators(model) == ["GatherBlockQuantized", "MatMulNBits"]
    contents = {value.const_value.tobytes() for value in model.graph.initializers.values()}
    assert len(contents) == 3 - precision.symmetric, "numbers, scales, and zero points where they differ"
    exact = rounded(embedding.T, precision).T
    standard_products(model)
    lower_to_opset(model, 21)
    assert_same_sums(run(model, ids)[0], exact[ids] @ exact.T)


@COARSE
@pytest.mark.parametrize(
    ("text", "weights"),
    [
        (PRODUCT.replace("64]", "40]"), {"w": normal(40, 24)}),
        (PRODUCT.replace("sequence, 64]", "2, 64]").replace("sequence, 24]", "2, 24]"), {"w": normal(2, 64, 24)}),
        ("g (float[batch, 64] x, float[64, 24] w) => (float[batch, 24] y) { y = MatMul (x, w) }", {}),
        ("g (int64[batch] ids) => (int64[batch, 64] y) { y = Gather (e, ids) }", {"e": np.ones((3, 64), np.int64)}),
    ],
    ids=["no whole blocks", "three dimensions", "computed", "integers"],
)
def test_other_operands_are_left_alone(text: str, weights: dict[str, np.ndarray], precision: Precision) -> None:
    assert_left_alone(lambda model: Quantizer(precision).convert(model), small_graph(text, **weights))


@COARSE
@pytest.mark.parametrize(
    ("most", "columns", "block"),
    [(128, 256, 128), (128, 384, 128), (128, 192, 64), (128, 96, 32), (256, 512, 256), (256, 256, 256), (32, 256, 32)],
)
def test_blocks_are_the_largest_that_divide_a_row(most: int, columns: int, block: int, precision: Precision) -> None:
    weight, x, precision = normal(columns, 24), normal(2, 3, columns, seed=1), replace(precision, block=most)
    model = quantized(PRODUCT.replace("64]", f"{columns}]"), precision, w=weight)
    (node,) = model.graph
    assert node.attributes["block_size"].as_int() == block
    exact = x @ rounded(weight, precision)
    np.testing.assert_allclose(run(model, x)[0], exact, atol=ROUNDED_INPUTS * np.abs(exact).max())
    standard_products(model)
    assert_same_sums(run(model, x)[0], exact)


@COARSE
def test_activations_stay_floats_where_they_are_asked_to(precision: Precision) -> None:
    weight = normal(256, 24)
    x = normal(2, 3, 256, seed=1)
    x[..., 0] = 300.0  # far larger than all others of its block: 8 bits would lose these
    exact = replace(precision, activations="fp32")
    model = quantized(PRODUCT.replace("64]", "256]"), exact, w=weight)
    assert_same_sums(run(model, x)[0], x @ rounded(weight, exact))
    rounds = quantized(PRODUCT.replace("64]", "256]"), precision, w=weight)
    assert np.abs(run(rounds, x)[0] - x @ rounded(weight, precision)).max() > 0.5


@COARSE
@pytest.mark.parametrize("columns", [512, 256, 384, 96])
def test_an_embedding_gives_rounded_rows(columns: int, precision: Precision) -> None:
    embedding, ids = normal(50, columns), np.array([[0, 49, 7], [1, 1, 33]])
    text = f"g (int64[batch, sequence] ids) => (float[batch, sequence, {columns}] y) {{ y = Gather (e, ids) }}"
    model, exact = quantized(text, precision, e=embedding), rounded(embedding.T, precision).T[ids]
    assert operators(model) == ["GatherBlockQuantized"]
    assert_same_numbers(run(model, ids)[0], exact)
    standard_products(model)
    assert_same_numbers(run(model, ids)[0], exact)


def test_weights_on_one_side_of_zero_use_all_numbers() -> None:
    weight = np.abs(normal(128, 8)) + 0.5
    numbers = Quantizer(PRECISIONS["int4"]).rounded(weight).numbers
    assert {*np.unique(numbers & 15), *np.unique(numbers >> 4)} >= set(range(4, 16))
    assert np.abs(rounded(weight, PRECISIONS["int4"]) - weight).max() <= weight.max() / 15 * 0.51
