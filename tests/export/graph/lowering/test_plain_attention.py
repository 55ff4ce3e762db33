"""Attention in ordinary operators computes what ONNX Runtime's own operator does, state and all."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from small_graphs import assert_left_alone, assert_same_sums, normal, operators, run, small_graph

from rfa_export.errors import GraphError
from rfa_export.graph.lowering.plain_attention import recurrent_chunk, recurrent_step

HEADS, FEATURES, VALUES = 2, 4, 3
GATED = """g (float[batch, sequence, 8] q, float[batch, sequence, 8] k, float[batch, sequence, 6] v,
   float[batch, 2, 4, 3] past, float[batch, sequence, 2] decay)
=> (float[batch, sequence, 6] o, float[batch, 2, 4, 3] present) {
    o, present = com.microsoft.LinearAttention
        <q_num_heads = 2, kv_num_heads = 2, scale = 0.5, update_rule = "gated"> (q, k, v, past, decay)
}"""
UNGATED = (
    GATED.replace(", float[batch, sequence, 2] decay", "").replace("past, decay", "past").replace("gated", "linear")
)
GRAPHS = {"gate": GATED, "no gate": UNGATED}


def arguments(graph: str, length: int, decay: float | None = None) -> dict[str, np.ndarray]:
    shapes = {"q": (3, length, 8), "k": (3, length, 8), "v": (3, length, 6), "past": (3, 2, 4, 3)}
    given = {name: normal(*shape, seed=seed) for seed, (name, shape) in enumerate(shapes.items())}
    if graph == "gate":
        given["decay"] = -np.abs(normal(3, length, 2, seed=9)) if decay is None else np.full((3, length, 2), decay)
    return {name: array.astype(np.float32) for name, array in given.items()}


def assert_computes_the_same(graph: str, change: object, given: dict[str, np.ndarray]) -> ir.Model:
    model = small_graph(GRAPHS[graph])
    before = run(model, **given)
    change(model)
    assert "LinearAttention" not in operators(model)
    assert [(value.name, str(value.shape)) for value in model.graph.outputs] == [
        ("o", "[batch,sequence,6]"),
        ("present", "[batch,2,4,3]"),
    ]
    for found, wanted in zip(run(model, **given), before, strict=True):
        assert_same_sums(found, wanted)
    return model


@pytest.mark.parametrize("graph", GRAPHS)
def test_one_token_by_the_recurrence(graph: str) -> None:
    model = assert_computes_the_same(graph, recurrent_step, arguments(graph, 1))
    assert not {"Trilu", "CumSum", "Transpose"} & set(operators(model))


@pytest.mark.parametrize("length", [1, 2, 7, 64])
@pytest.mark.parametrize("graph", GRAPHS)
def test_a_chunk_by_masked_products(graph: str, length: int) -> None:
    assert_computes_the_same(graph, recurrent_chunk, arguments(graph, length))


@pytest.mark.parametrize("decay", [0.0, -1e-7, -30.0, -1e4])
def test_a_chunk_bears_any_decay(decay: float) -> None:
    """From nothing forgotten to everything: the differences above the diagonal would overflow."""
    assert_computes_the_same("gate", recurrent_chunk, arguments("gate", 16, decay))


@pytest.mark.parametrize("change", [recurrent_step, recurrent_chunk])
def test_a_graph_without_attention_is_left_alone(change: object) -> None:
    assert_left_alone(change, small_graph("g (float[N] x) => (float[N] y) { y = Neg (x) }"))


@pytest.mark.parametrize("change", [recurrent_step, recurrent_chunk])
def test_attention_without_a_state_is_refused(change: object) -> None:
    model = small_graph(UNGATED.replace("(q, k, v, past)", "(q, k, v)"))
    with pytest.raises(GraphError, match="thread the state first"):
        change(model)
