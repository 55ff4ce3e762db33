"""Fused operators compute what the plain ones did, at the ends of the number line too."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from small_graphs import EXTREME, assert_left_alone, assert_same_sums, normal, operators, run, small_graph

from rfa_export.graph.cleanup import cleanup, remove_unused
from rfa_export.graph.lowering.fuse import add_biases, fuse, fuse_residuals
from rfa_export.graph.rounding.whole_numbers import Quantizer
from rfa_export.precision import PRECISIONS

SMALLEST = np.finfo(np.float32).tiny
"""Below it float32 loses digits: there, two ways to round are equally right."""
TWO_DIVISIONS = 3e-7
"""Relative: a reciprocal and a product round twice where a division rounds once (eps 6e-8)."""
FLOORED = """g (float[N] num, float[N] den) => (float[N] y)
<float zero = {0.0}, float below = {-0.001}, float above = {0.001}> {
    negative = Less (den, zero)
    low = Clip (den, , below)
    high = Clip (den, above)
    safe = Where (negative, low, high)
    y = Div (num, safe)
}"""
PER_HEAD = """g (float[batch, sequence, 6] x, float[batch, sequence, 2] scale) => (float[batch, sequence, 6] y)
<int64[4] heads = {0, 0, 2, 3}, int64[4] one = {0, 0, 2, 1}, int64[3] packed = {0, 0, 6},
 float[batch, sequence, 2, 3] a, float[batch, sequence, 2, 1] b, float[batch, sequence, 2, 3] c,
 float[batch, sequence, 6] d> {
    a = Reshape (x, heads)
    b = Reshape (scale, one)
    c = Mul (a, b)
    d = Reshape (c, packed)
    y = Neg (d)
}"""
RESIDUAL = """g (float[batch, sequence, 8] x, float[batch, sequence, 8] r, float[8] gain, float[8] bias)
=> (float[batch, sequence, 8] y, float[batch, sequence, 8] sum) {
    sum = Add (x, r)
    y = LayerNormalization <axis = -1, epsilon = 1e-5> (sum, gain, bias)
}"""
PRODUCT = """g (float[batch, sequence, 32] x) => (float[batch, sequence, 32] y)
<float[batch, sequence, 32] product, float[batch, sequence, 32] sum> {
    product = MatMul (x, w)
    REST
}"""
GELU = """g (float[batch, sequence, 8] x, float[8] bias) => (float[batch, sequence, 8] y) {
    sum = Add (x, bias)
    y = Gelu (sum)
}"""


def test_division_by_a_floored_denominator_becomes_a_bounded_product() -> None:
    model = small_graph(FLOORED)
    den = np.concatenate([EXTREME, normal(1000) * 1e-3, normal(1000, seed=1)]).astype(np.float32)
    numerators = [normal(den.size, seed=2), np.zeros_like(den), np.full_like(den, 3e38), np.full_like(den, -1e-45)]
    before = [run(model, num, den)[0] for num in numerators]
    fuse(model)
    assert operators(model) == ["Constant", "Constant", "Reciprocal", "Clip", "Mul"]
    for num, wanted in zip(numerators, before, strict=True):
        np.testing.assert_allclose(run(model, num, den)[0], wanted, rtol=TWO_DIVISIONS, atol=SMALLEST)
        assert not np.isnan(wanted).any()


def test_a_denominator_that_is_no_number_stays_visible() -> None:
    model = small_graph(FLOORED)
    fuse(model)
    assert np.isnan(run(model, np.ones(1, np.float32), np.full(1, np.nan, np.float32))[0])


def test_attention_never_gives_the_denominator_whose_sign_would_be_lost() -> None:
    attention = small_graph(
        """g (float[1, 2, 4] q, float[1, 2, 4] k, float[1, 2, 2] v, float[1, 2, 2, 1] past)
        => (float[1, 2, 2] o, float[1, 2, 2, 1] s) {
            o, s = com.microsoft.LinearAttention
                <q_num_heads = 2, kv_num_heads = 2, scale = 0.1, update_rule = "linear"> (q, k, v, past)
        }"""
    )
    minus_zero, ones = np.full((1, 2, 4), -0.0, np.float32), np.ones((1, 2, 4), np.float32)
    for q, k in ((minus_zero, ones), (ones, minus_zero), (-ones, np.abs(minus_zero))):
        sums, _ = run(attention, q, k, ones[:, :, :2], np.zeros((1, 2, 2, 1), np.float32))
        assert not (np.signbit(sums) & (sums == 0)).any()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("above = {0.001}", "above = {0.002}"),
        ("zero = {0.0}", "zero = {0.5}"),
        ("below = {-0.001}, float above = {0.001}", "below = {0.001}, float above = {-0.001}"),
        ("below = {-0.001}, float above = {0.001}", "below = {0.0}, float above = {0.0}"),
        ("Less (den", "Greater (den"),
        ("Less (den", "Less (num"),
        ("Clip (den, above)", "Clip (den, above, zero)"),
        ("Where (negative, low, high)", "Where (negative, high, low)"),
        ("float zero = {0.0}", "float[2] zero = {0.0, 0.0}"),
        ("float", "double"),
        ("Div (num, safe)", "Div (safe, num)"),
    ],
)
def test_other_divisions_are_left_alone(old: str, new: str) -> None:
    assert old in FLOORED
    assert_left_alone(fuse, small_graph(FLOORED.replace(old, new)))


def test_a_scale_of_each_head_is_spread_over_the_packed_values() -> None:
    model = small_graph(PER_HEAD)
    x, scale = normal(2, 3, 6), normal(2, 3, 2, seed=1)
    extreme = np.resize(EXTREME, (2, 3, 6)), np.resize(EXTREME[::-1], (2, 3, 2))
    before = [run(model, x, scale)[0], run(model, *extreme)[0]]
    fuse(model)
    remove_unused(model)
    assert operators(model) == ["MatMul", "Mul", "Neg"]
    assert np.array_equal(run(model, x, scale)[0], before[0])
    assert np.array_equal(run(model, *extreme)[0], before[1])


@pytest.mark.parametrize(
    "changes",
    [
        {"y = Neg (d)": "y = Neg (d)\n    z = Neg (c)", "6] y)": "6] y, float[batch, sequence, 2, 3] z)"},
        {"one = {0, 0, 2, 1}": "one = {0, 0, 1, 2}", "2, 1] b": "1, 2] b", "2, 3}": "3, 2}", "2, 3]": "3, 2]"},
        {"sequence, 2] scale": "sequence, 6] scale", "one = {0, 0, 2, 1}": "one = {0, 0, 2, 3}", "2, 1] b": "2, 3] b"},
        {"Mul (a, b)": "Div (a, b)"},
        {"a = Reshape (x, heads)": "a = SplitHeads (x, heads)"},
        {"b = Reshape (scale, one)": "b = SplitHeads (scale, one)"},
        {"d = Reshape (c, packed)": "d = MergeHeads (c, packed)"},
        {"2, 3] c": "H, V] c", "sequence, 2] scale": "sequence, H] scale"},
        {"int64[3] packed = {0, 0, 6}": "int64[3] packed = {0, 0, -1}", "sequence, 6] d": "sequence, width] d"},
    ],
    ids=[
        "the heads are read by others",
        "a scale for each place in a head",
        "a scale for each value",
        "no product",
        "packed values are no view",
        "a scale that is no view",
        "the result is no view",
        "heads that are not known",
        "a width that is not known",
    ],
)
def test_other_products_are_left_alone(changes: dict[str, str]) -> None:
    text = PER_HEAD
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    assert_left_alone(fuse, small_graph(text))


def test_a_residual_and_its_norm_become_one_operator() -> None:
    model = small_graph(RESIDUAL)
    inputs = normal(2, 3, 8), normal(2, 3, 8, seed=1), normal(8, seed=2), normal(8, seed=3)
    before = run(model, *inputs)
    fuse_residuals(model)
    assert operators(model) == ["SkipLayerNormalization"]
    for found, wanted in zip(run(model, *inputs), before, strict=True):
        assert_same_sums(found, wanted)


def test_a_residual_stays_where_many_rows_are_computed() -> None:
    assert_left_alone(fuse, small_graph(RESIDUAL))


def test_a_residual_stays_where_weights_are_rounded() -> None:
    text = RESIDUAL.replace("    sum = Add (x, r)", "    p = MatMul (x, w)\n    sum = Add (p, r)")
    model = small_graph(text.replace(", 8]", ", 32]").replace("[8]", "[32]"), w=normal(32, 32))
    Quantizer(PRECISIONS["int8"]).convert(model)
    assert_left_alone(fuse_residuals, model)


def test_a_bias_and_its_gelu_become_one_operator() -> None:
    model = small_graph(GELU)
    inputs = normal(2, 3, 8), normal(8, seed=1)
    before = run(model, *inputs)[0]
    fuse(model)
    assert operators(model) == ["BiasGelu"]
    assert_same_sums(run(model, *inputs)[0], before)


@pytest.mark.parametrize(
    "text",
    [
        RESIDUAL.replace("axis = -1", "axis = -2")
        .replace("[8] gain", "[sequence, 8] gain")
        .replace("[8] bias", "[sequence, 8] bias"),
        RESIDUAL.replace("Add (x, r)", "Mul (x, r)"),
        GELU.replace("Gelu (", 'Gelu <approximate = "tanh"> ('),
        GELU.replace("float[8] bias", "float[batch, sequence, 8] bias"),
        GELU.replace("Add (", "Mul ("),
    ],
    ids=["norm over two axes", "no residual", "another gelu", "no bias but a tensor", "no sum"],
)
def test_other_norms_and_activations_are_left_alone(text: str) -> None:
    assert_left_alone(fuse, small_graph(text))


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
    assert_same_sums(run(model, x)[0], before)
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
