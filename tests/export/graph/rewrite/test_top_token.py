"""The graph's own choice is the first of the largest logits, and nothing else changes."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from small_graphs import operators, run, small_graph

from rfa_export.graph.edit import dims
from rfa_export.graph.rewrite.top_token import top_token

STEP = "g (float[batch, 1, 5] x) => (float[batch, 1, 5] logits, float[batch, 1, 5] y) { logits = Neg (x) y = Abs (x) }"


def extended() -> ir.Model:
    model = small_graph(STEP)
    top_token(model)
    return model


def test_the_first_of_the_largest_logits_is_named() -> None:
    x = np.array([[[1, -2, 0, -2, 3]], [[0, 0, 0, 0, 0]], [[4, 3, 2, 1, -9]]], np.float32)
    logits, _, top, token = run(extended(), x)
    assert token.tolist() == [[[1]], [[0]], [[4]]]
    assert top.tolist() == [[[2]], [[0]], [[9]]]
    np.testing.assert_array_equal(logits, -x)


def test_outputs_are_added_behind_those_that_were_there() -> None:
    model = extended()
    assert operators(model) == ["Neg", "Abs", "TopK"]
    found = [(value.name, value.dtype, dims(value)) for value in model.graph.outputs[2:]]
    one = ["batch", 1, 1]
    assert found == [("top_logit", ir.DataType.FLOAT, one), ("top_token", ir.DataType.INT64, one)]
    assert [value.name for value in model.graph.outputs[:2]] == ["logits", "y"]


def test_a_logit_that_is_no_number_shows_wherever_it_stands() -> None:
    for place in range(5):
        x = np.zeros((1, 1, 5), np.float32)
        x[..., place] = np.nan
        assert np.isnan(run(extended(), x)[2]).all(), f"NaN at {place} is not seen"
