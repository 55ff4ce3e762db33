"""Products with their biases and scales compute what they did without."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from small_graphs import assert_left_alone, normal, operators, run, small_graph

from rfa_export.graph.lowering.fuse_products import add_biases, scale_matrices
from rfa_export.graph.rewrite.cleanup import cleanup
from rfa_export.graph.rounding.whole_numbers import Quantizer
from rfa_export.precision import PRECISIONS

PRODUCT = """g (float[batch, sequence, 32] x) => (float[batch, sequence, 32] y)
<float[batch, sequence, 32] product, float[batch, sequence, 32] sum> {
    product = MatMul (x, w)
    REST
}"""
SCALED = """g (float[batch, sequence, 2, 3, 1, 4] x) => (float[batch, sequence, 2, 3, 1, 5] y) {
    scaled = Mul (x, s)
    y = MatMul (scaled, w)
}"""
BY_TOKEN = """g (float[batch, sequence, 2, 3, 1, 4] x) => (float[batch, 2, 3, 1, sequence, 5] y) {
    scaled = Mul (x, s)
    turned = Transpose <perm = [0, 2, 3, 4, 1, 5]> (scaled)
    y = MatMul (turned, w)
}"""
BY_BATCH = """g (float[batch, sequence, 2, 3, 1, 4] x) => (float[sequence, 2, 3, 1, batch, 5] y) {
    scaled = Mul (x, s)
    y = com.microsoft.FusedMatMul <transBatchA = 1> (scaled, w)
}"""


def rounded_product(rest: str) -> ir.Model:
    """A product by int8 weights, and what is made of it."""
    weights = {"b": normal(32, seed=1), "n": normal(1, seed=2)}
    used = {name: array for name, array in weights.items() if f"{name})" in rest}
    model = small_graph(PRODUCT.replace("REST", rest), w=normal(32, 32), **used)
    Quantizer(PRECISIONS["int8"]).convert(model)
    return model


def test_a_product_of_rounded_weights_adds_its_bias() -> None:
    model, x = rounded_product("sum = Add (product, b) y = Gelu (sum)"), normal(2, 3, 32, seed=3)
    before = run(model, x)[0]
    add_biases(model)
    cleanup(model)
    assert operators(model) == ["MatMulNBits", "Gelu"]
    np.testing.assert_allclose(run(model, x)[0], before, rtol=1e-5, atol=1e-6)
    assert_left_alone(add_biases, model)


@pytest.mark.parametrize(
    "rest",
    [
        "sum = Add (product, b) y = Mul (sum, product)",
        "sum = Add (product, product) y = Neg (sum)",
        "sum = Add (product, x) y = Neg (sum)",
        "sum = Add (product, n) y = Neg (sum)",
        "sum = Mul (product, b) y = Neg (sum)",
        "y = Add (product, b)",
    ],
    ids=["read twice", "its own double", "computed", "one number", "no sum", "a result"],
)
def test_other_sums_stay_outside_of_a_product(rest: str) -> None:
    assert_left_alone(add_biases, rounded_product(rest))


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        (SCALED, (3, 4, 5)),
        (BY_TOKEN, (3, 1, 4, 5)),
        (BY_BATCH, (1, 1, 3, 1, 4, 5)),
    ],
    ids=["as it is", "turned", "turned by the product"],
)
def test_a_product_by_matrices_takes_its_scale(text: str, shape: tuple[int, ...]) -> None:
    model, x = small_graph(text, s=normal(3, 1, 4), w=normal(*shape, seed=1)), normal(2, 3, 2, 3, 1, 4, seed=2)
    before = run(model, x)[0]
    scale_matrices(model)
    assert "Mul" not in operators(model)
    np.testing.assert_allclose(run(model, x)[0], before, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("scale", "w", "text"),
    [
        (normal(3, 1, 1), normal(3, 4, 5), SCALED),
        (normal(4), normal(3, 4, 5), SCALED),
        (normal(3, 1, 4), normal(4, 5), SCALED),
        (normal(3, 1, 4), normal(3, 4, 5), SCALED.replace("= Mul", "= Add")),
        (normal(3, 1, 4), normal(3, 1, 4, 5), BY_TOKEN.replace("y = MatMul", "z = Neg (turned) y = MatMul")),
    ],
    ids=["one for each head", "one for all heads", "one matrix", "a sum", "turned for another too"],
)
def test_other_scales_stay_outside_of_a_product(scale: np.ndarray, w: np.ndarray, text: str) -> None:
    model = small_graph(text, s=scale, w=w)
    nodes = operators(model)
    scale_matrices(model)
    assert "MatMul" in operators(model)
    assert {"Mul", "Add"} & set(operators(model)) == {"Mul", "Add"} & set(nodes)
