"""States that lie in float16 between two steps: the graph around attention changes, attention does not."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from small_graphs import normal, operators, run, small_graph

from rfa_export.errors import TargetError
from rfa_export.graph.rounding.half_state import halve_states
from rfa_runtime.bundle.manifest import StateSpec

GRAPH = """g (float[b, t, 4] q, float[b, t, 4] k, float[b, t, 6] v, float[b, t, 2] decay, float[b, 2, 2, 3] past)
    => (float[b, t, 6] y, float[b, 2, 2, 3] present) {
    y, present = com.microsoft.LinearAttention
        <q_num_heads = 2, kv_num_heads = 2, update_rule = "gated", scale = 1.0> (q, k, v, past, decay)
}"""
STATE = StateSpec("recurrent", "past", "present", "float32", ("batch", 2, 2, 3))
CROSS = StateSpec("cross", "source", "source", "float32", ("batch", 2, 2, 3))


def test_a_state_is_float16_outside_and_float32_inside() -> None:
    model = small_graph(GRAPH)
    given = [normal(1, 3, 4), normal(1, 3, 4, seed=1), normal(1, 3, 6, seed=2), -np.abs(normal(1, 3, 2, seed=3))]
    past = normal(1, 2, 2, 3, seed=4).astype(np.float16)
    wanted = run(model, *given, past.astype(np.float32))
    assert halve_states([model], [STATE, CROSS]) == (
        StateSpec("recurrent", "past", "present", "float16", ("batch", 2, 2, 3)),
        CROSS,
    )
    assert operators(model) == ["Cast", "LinearAttention", "Cast"]
    assert {value.name: value.dtype for value in model.graph.inputs}["past"] == ir.DataType.FLOAT16
    assert [value.name for value in model.graph.outputs] == ["y", "present"]
    found = run(model, *given, past)
    assert np.array_equal(found[0], wanted[0])
    assert np.array_equal(found[1], wanted[1].astype(np.float16))


def test_a_sum_that_never_forgets_is_refused() -> None:
    text = GRAPH.replace('"gated"', '"linear"').replace(", float[b, t, 2] decay", "").replace(", decay)", ")")
    with pytest.raises(TargetError, match="stops accumulating after some 2,048 tokens where attention has no gate"):
        halve_states([small_graph(text)], [STATE])


def test_a_model_without_a_state_is_refused() -> None:
    with pytest.raises(TargetError, match="this model carries none"):
        halve_states([], [CROSS])
