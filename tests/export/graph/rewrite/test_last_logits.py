"""Logits of the last position, and none that nobody wants."""

from __future__ import annotations

import onnx_ir as ir
import pytest
from small_graphs import assert_same_numbers, node_of, normal, operators, run, small_graph

from rfa_export.errors import GraphError
from rfa_export.graph.edit import dims
from rfa_export.graph.rewrite.last_logits import last_logits

HEAD = "g (float[batch, sequence, 8] x, float[batch, sequence, 8] r) => (float[batch, sequence, 5] logits) "
SHAPES = "<float cap = {30.0}, float[5] bias = {1, 2, 3, 4, 5}, float[batch, sequence, 5] m> "
CUT_BEFORE = {
    "product": "logits = MatMul (x, w)",
    "bias": "m = MatMul (x, w)  logits = Add (m, bias)",
    "bias first": "m = MatMul (x, w)  logits = Add (bias, m)",
    "soft cap": "m = MatMul (x, w)  a = Div (m, cap)  b = Tanh (a)  logits = Mul (b, cap)",
    "change of type": "m = MatMul (x, w)  logits = Cast <to = 1> (m)",
}
CUT_AFTER = {
    "two products": "m = MatMul (x, w)  n = MatMul (r, w)  logits = Add (m, n)",
    "product read elsewhere": "m = MatMul (x, w)  e = Exp (m)  logits = Add (m, e)",
    "softmax": "m = MatMul (x, w)  logits = LogSoftmax <axis = -1> (m)",
    "input": "m = MatMul (x, w)  n = Exp (m)  a = Neg (n)  logits = Sin (a)",
}
INPUTS = normal(2, 6, 8), normal(2, 6, 8, seed=1)


def scoring_graph(nodes: str) -> ir.Model:
    return small_graph(HEAD + SHAPES + "{" + nodes + "}", w=normal(8, 5, seed=2))


def step_graph(scoring: ir.Model) -> ir.Model:
    step = scoring.clone()
    last_logits(step)
    return step


@pytest.mark.parametrize("nodes", [*CUT_BEFORE.values(), *CUT_AFTER.values()], ids=[*CUT_BEFORE, *CUT_AFTER])
def test_only_the_last_position_is_given(nodes: str) -> None:
    scoring = scoring_graph(nodes)
    before = run(scoring, *INPUTS)[0]
    step = step_graph(scoring)
    found = run(step, *INPUTS)[0]
    assert found.shape == (2, 1, 5)
    assert_same_numbers(found, before[:, -1:])
    assert dims(step.graph.outputs[0]) == ["batch", 1, 5]
    assert step.graph.outputs[0].name == "logits"


@pytest.mark.parametrize("nodes", CUT_BEFORE.values(), ids=CUT_BEFORE.keys())
def test_only_one_position_meets_the_vocabulary(nodes: str) -> None:
    step = step_graph(scoring_graph(nodes))
    product = node_of(step, "MatMul")
    assert product.inputs[0].producer().op_type == "Slice"
    assert dims(product.outputs[0]) == ["batch", 1, 5]


@pytest.mark.parametrize("nodes", CUT_AFTER.values(), ids=CUT_AFTER.keys())
def test_where_no_product_ends_the_graph_the_logits_are_cut(nodes: str) -> None:
    scoring = scoring_graph(nodes)
    assert operators(step_graph(scoring)) == [*operators(scoring), "Slice"]


def test_a_product_that_feeds_a_state_too_stays_whole_for_it() -> None:
    text = HEAD.replace("] logits)", "] logits, float[batch, 1, 5, 5] present)")
    text += (
        SHAPES
        + """{
        m = MatMul (x, w)
        logits = Add (m, bias)
        o, present = com.microsoft.LinearAttention
            <q_num_heads = 1, kv_num_heads = 1, scale = 1.0, update_rule = "linear"> (m, m, m)
    }"""
    )
    scoring = small_graph(text, w=normal(8, 5, seed=2))
    before = run(scoring, *INPUTS)
    found = run(step_graph(scoring), *INPUTS)
    assert_same_numbers(found[0], before[0][:, -1:])
    assert_same_numbers(found[1], before[1])


def test_weights_are_shared_with_the_graph_that_scores() -> None:
    scoring = scoring_graph(CUT_BEFORE["product"])
    step = step_graph(scoring)
    assert step.graph.initializers["w"].const_value is scoring.graph.initializers["w"].const_value
    assert not {"last_start", "last_end", "last_axis"} & set(scoring.graph.initializers)


@pytest.mark.parametrize("shape", ["", "[batch, 5]"])
def test_logits_of_another_shape_are_refused(shape: str) -> None:
    scoring = small_graph("g (float[batch, 5] x) => (float[batch, 5] logits) { logits = Abs (x) }")
    scoring.graph.outputs[0].shape = ir.Shape(["batch", 5]) if shape else None
    with pytest.raises(GraphError, match=r"wanted three dimensions: \[batch, sequence, N\]"):
        last_logits(scoring)
