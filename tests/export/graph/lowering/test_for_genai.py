"""What the graph for onnxruntime-genai has besides."""

from __future__ import annotations

import numpy as np
import pytest
from small_graphs import assert_left_alone, operators, run, small_graph

from rfa_export.graph.edit import dims
from rfa_export.graph.lowering.for_genai import hand_over_normalizers, leave_choice_to_runtime, one_text
from rfa_export.graph.rewrite.top_token import top_token

STEP = "g (float[batch, 1, 5] x) => (float[batch, 1, 5] logits) { logits = Neg (x) }"


STATES = "g (float[batch, 2, 3, 1] past) => (float[batch, 2, 3, 1] present) { present = Neg (past) }"


def test_the_normalizer_is_what_the_runtime_finds_layers_by() -> None:
    model = small_graph(STATES)
    model.graph.inputs[0].name = "past_key_values.0.normalizer_state"
    model.graph.outputs[0].name = "present.0.normalizer_state"
    hand_over_normalizers(model)
    flat = ["batch", 2, 3]
    assert [(value.name, dims(value)) for value in model.graph.inputs] == [("past_key_values.0.conv_state", flat)]
    assert [(value.name, dims(value)) for value in model.graph.outputs] == [("present.0.conv_state", flat)]
    given = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    (present,) = run(model, **{"past_key_values.0.conv_state": given})
    assert (present == -given).all()


def test_the_choice_goes_and_the_logits_stay() -> None:
    model = small_graph(STEP)
    top_token(model)
    leave_choice_to_runtime(model)
    assert [value.name for value in model.graph.outputs] == ["logits"]
    assert operators(model) == ["Neg"]


def test_a_graph_without_a_choice_is_left_alone() -> None:
    assert_left_alone(leave_choice_to_runtime, small_graph(STEP))


def test_a_graph_of_one_text_refuses_a_second_row() -> None:
    model = small_graph(STEP)
    one_text(model)
    assert (run(model, x=np.ones((1, 1, 5), np.float32))[0] == -1).all()
    with pytest.raises(Exception, match="invalid dimensions"):
        run(model, x=np.ones((2, 1, 5), np.float32))


def test_sizes_that_are_fixed_already_are_left_alone() -> None:
    assert_left_alone(one_text, small_graph("g (float[1, 1, 5] x) => (float[1, 1, 5] logits) { logits = Neg (x) }"))
