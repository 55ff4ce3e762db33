"""Attention from an empty state becomes attention from any state, whatever stands around it."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from small_graphs import assert_left_alone, assert_same_sums, normal, run, small_graph

from rfa_export.errors import GraphError
from rfa_export.graph.edit import dims
from rfa_export.graph.rewrite.thread_state import thread_state
from rfa_runtime.bundle.manifest import StateSpec

LINEAR = """com.microsoft.LinearAttention
    <q_num_heads = 2, kv_num_heads = 2, scale = 1.0, update_rule = "RULE">"""
GATED = f"""g (float[batch, sequence, 8] x, float[batch, sequence, 2] a) => (float[batch, sequence, 8] y)
<float[batch, 2, 4, 4] s0, float[batch, 2, 4, 6] s1> {{
    o, s0 = {LINEAR.replace("RULE", "gated")} (x, x, x, , a)
    wide = Concat <axis = -1> (o, a, a)
    p, s1 = {LINEAR.replace("RULE", "linear")} (o, o, wide)
    q = MatMul (p, w)
    y = Add (q, x)
}}"""
SOFTMAX = """g (float[batch, sequence, 48] x) => (float[batch, sequence, 16] y)
<float[batch, 2, sequence, 8] k0, float[batch, 2, sequence, 8] v0,
 float[batch, 2, sequence, 8] k1, float[batch, 2, sequence, 8] v1> {
    o, k0, v0 = com.microsoft.GroupQueryAttention <num_heads = 2, kv_num_heads = 2> (x)
    three = Concat <axis = -1> (o, o, o)
    y, k1, v1 = com.microsoft.GroupQueryAttention <num_heads = 2, kv_num_heads = 2> (three)
}"""


def gated_graph() -> ir.Model:
    return small_graph(GATED, w=normal(12, 8, seed=3))


def names(values: object) -> list[str]:
    return [value.name for value in values]


def test_every_attention_gets_its_past_and_present() -> None:
    model = gated_graph()
    found = thread_state(model)
    shapes = ("batch", 2, 4, 4), ("batch", 2, 4, 6)
    assert found == [
        StateSpec(
            "recurrent", f"past_key_values.{n}.recurrent_state", f"present.{n}.recurrent_state", "float32", shapes[n]
        )
        for n in range(2)
    ]
    assert names(model.graph.inputs) == ["x", "a", found[0].past, found[1].past]
    assert names(model.graph.outputs) == ["y", found[0].present, found[1].present]
    for spec in found:
        past, present = (
            next(value for value in values if value.name == name)
            for values, name in ((model.graph.inputs, spec.past), (model.graph.outputs, spec.present))
        )
        assert dims(past) == dims(present) == list(spec.shape)
        assert past.dtype == present.dtype == ir.DataType.FLOAT


@pytest.mark.parametrize("cut", [1, 3, 5])
def test_two_pieces_joined_by_their_state_equal_the_whole(cut: int) -> None:
    stateless, model = gated_graph(), gated_graph()
    states = thread_state(model)
    x, decay = normal(2, 6, 8), -np.abs(normal(2, 6, 2, seed=1))
    whole = run(stateless, x, decay)[0]
    empty = [np.zeros(spec.sizes(2), np.float32) for spec in states]
    first, *carried = run(model, x[:, :cut], decay[:, :cut], *empty)
    second, *_ = run(model, x[:, cut:], decay[:, cut:], *carried)
    assert_same_sums(np.concatenate([first, second], 1), whole)


def test_each_cache_has_a_key_and_a_value_and_all_share_the_lengths() -> None:
    model = small_graph(SOFTMAX)
    found = thread_state(model)
    assert [(spec.kind, spec.past, spec.shape) for spec in found] == [
        ("cache", f"past_key_values.{n}.{what}", ("batch", 2, "capacity", 8))
        for n in range(2)
        for what in ("key", "value")
    ]
    lengths = ["seqlens_k", "total_sequence_length"]
    assert names(model.graph.inputs) == ["x", *(spec.past for spec in found), *lengths]
    assert [(dims(value), value.dtype) for value in model.graph.inputs if value.name in lengths] == [
        (["batch"], ir.DataType.INT32),
        ([], ir.DataType.INT32),
    ]
    for node in model.graph:
        if node.op_type == "GroupQueryAttention":
            assert names(node.inputs[5:]) == lengths


def test_a_cache_that_is_bound_gives_what_the_whole_gives() -> None:
    model = small_graph(SOFTMAX)
    caches = thread_state(model)
    x = normal(1, 6, 48)

    def step(piece: np.ndarray, pasts: list[np.ndarray], total: int) -> list[np.ndarray]:
        return run(model, piece, *pasts, np.full(1, total - 1, np.int32), np.array(total, np.int32))

    empty = [np.zeros(spec.sizes(1, 8), np.float32) for spec in caches]
    whole = step(x, empty, 6)[0]
    first, *carried = step(x[:, :4], empty, 4)
    second, *_ = step(x[:, 4:], carried, 6)
    assert_same_sums(np.concatenate([first, second], 1), whole)


def test_both_kinds_are_counted_together_in_the_graphs_order() -> None:
    model = small_graph(
        f"""g (float[batch, sequence, 48] x) => (float[batch, sequence, 16] y)
        <float[batch, 2, 24, 24] s, float[batch, 2, sequence, 8] k, float[batch, 2, sequence, 8] v,
         float[batch, 2, 8, 8] t> {{
            a, s = {LINEAR.replace("RULE", "linear")} (x, x, x)
            o, k, v = com.microsoft.GroupQueryAttention <num_heads = 2, kv_num_heads = 2> (a)
            y, t = {LINEAR.replace("RULE", "linear")} (o, o, o)
        }}"""
    )
    assert [spec.past.removeprefix("past_key_values.") for spec in thread_state(model)] == [
        "0.recurrent_state",
        "1.key",
        "1.value",
        "2.recurrent_state",
    ]


def test_a_graph_without_attention_is_left_alone() -> None:
    model = small_graph("g (float[batch, 4] x) => (float[batch, 4] y) { y = Abs (x) }")
    assert_left_alone(thread_state, model)
    assert thread_state(model) == []


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ("[batch, 2, K, 4]", "all but the batch must be static"),
        ("[batch, sequence, 4, 4]", "all but the batch must be static"),
        ("[batch, 8, 4]", "wanted 4 dimensions"),
        (None, "wanted 4 dimensions"),
    ],
)
def test_a_state_whose_size_is_not_fixed_is_refused(shape: str | None, message: str) -> None:
    model = small_graph(
        f"""g (float[batch, sequence, 8] x) => (float[batch, sequence, 8] y) <float{shape or "[2]"} s> {{
            y, s = {LINEAR.replace("RULE", "linear")} (x, x, x)
        }}"""
    )
    if shape is None:
        next(iter(model.graph)).outputs[1].shape = None
    with pytest.raises(GraphError, match=message):
        thread_state(model)
