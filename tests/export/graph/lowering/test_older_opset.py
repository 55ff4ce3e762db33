"""Newer operators in older ones: the same numbers, in an opset that older runtimes read."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from small_graphs import EXTREME, SAME_NUMBERS, normal, operators, run, small_graph

from rfa_export.errors import GraphError
from rfa_export.graph.lowering.older_opset import lower_to_opset
from rfa_export.graph.lowering.opsets import OLDEST

OLDER_FORM = 2e-6
"""Relative: the same formula in a handful of operators, each of which rounds (eps 6e-8)."""
NORM = """g (float[batch, 8] x) => (float[batch, 8] y) <float[8] gain = {1, 2, 3, 4, 5, 6, 7, 8}>
{ y = RMSNormalization <axis = -1, epsilon = 1e-5> (x, gain) }"""
GELU = "g (float[N] x) => (float[N] y) { y = Gelu (x) }"
GELU_TANH = GELU.replace("Gelu", 'Gelu <approximate = "tanh">')
ROTARY = """g (float[2, 3, 12] x) => (float[2, 3, 12] y)
<float[2, 3, 3] cos = {COS}, float[2, 3, 3] sin = {SIN}>
{ y = RotaryEmbedding <num_heads = 2> (x, cos, sin) }"""
ROTARY = ROTARY.replace("COS", ", ".join(f"{np.cos(n):.6f}" for n in range(18)))
ROTARY = ROTARY.replace("SIN", ", ".join(f"{np.sin(n):.6f}" for n in range(18)))
SPLIT = """g (float[batch, 6] x) => (float[batch, 3] y, float[batch, 3] z)
{ y, z = Split <axis = 1, num_outputs = 2> (x) }"""
LENGTH = (
    """g (float[2, 3, 4] x) => (float[2, 3, 1] y) <int64[1] axes = {-1}> { y = ReduceL2 <keepdims = 1> (x, axes) }"""
)
ALL_AXES = "g (float[2, 3] x) => (float y) { y = ReduceMax <keepdims = 0> (x) }"
INPUTS = {
    LENGTH: normal(2, 3, 4),
    ALL_AXES: normal(2, 3),
    NORM: normal(5, 8),
    GELU: np.concatenate([EXTREME, normal(1000) * 4]),
    GELU_TANH: np.concatenate([EXTREME, normal(1000) * 4]),
    ROTARY: normal(2, 3, 12),
    SPLIT: normal(2, 6),
}


def lowered(text: str, opset: int) -> ir.Model:
    model = small_graph(text)
    lower_to_opset(model, opset)
    onnx.checker.check_model(ir.to_proto(model), full_check=True)
    return model


@pytest.mark.parametrize("opset", [17, 18, 20, 23])
@pytest.mark.parametrize("text", INPUTS, ids=["length", "all axes", "norm", "gelu", "gelu by tanh", "rotary", "split"])
def test_the_same_numbers_in_every_opset(text: str, opset: int) -> None:
    wanted = run(small_graph(text), INPUTS[text])
    model = lowered(text, opset)
    assert model.opset_imports[""] == opset
    for found, exact in zip(run(model, INPUTS[text]), wanted, strict=True):
        np.testing.assert_allclose(found, exact, rtol=OLDER_FORM, atol=SAME_NUMBERS)


@pytest.mark.parametrize(
    ("text", "opset", "kept"), [(NORM, 23, "RMSNormalization"), (GELU, 20, "Gelu"), (SPLIT, 18, "Split")]
)
def test_an_operator_stays_where_the_opset_has_it(text: str, opset: int, kept: str) -> None:
    assert operators(lowered(text, opset)) == [kept]


@pytest.mark.parametrize("text", [LENGTH, NORM])
def test_axes_that_became_an_attribute_are_no_weight_any_more(text: str) -> None:
    for value in lowered(text, OLDEST).graph.initializers.values():
        assert value.uses(), f"nobody reads {value.name}"


def test_a_vector_of_zeros_stays_zero() -> None:
    assert not run(lowered(NORM, OLDEST), np.zeros((1, 8), np.float32))[0].any()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (NORM.replace("axis = -1", "axis = 0"), "wanted only the last"),
        (ROTARY.replace("num_heads = 2", "num_heads = 2, interleaved = 1"), "no older one here"),
    ],
)
def test_what_has_no_older_form_is_refused(text: str, words: str) -> None:
    with pytest.raises(GraphError, match=words):
        lower_to_opset(small_graph(text), OLDEST)
