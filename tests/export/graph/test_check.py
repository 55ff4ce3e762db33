"""A graph that breaks its interface is named, and one that keeps it passes."""

from __future__ import annotations

import re

import pytest
from small_graphs import assert_left_alone, small_graph

from rfa_export.errors import GraphError
from rfa_export.graph.check import check
from rfa_runtime.manifest import StateSpec

STATE = StateSpec("recurrent", "past", "present", "float32", ("batch", 2, 4, 4))
STEP = """g (int64[batch, sequence] input_ids, int64[batch, sequence] position_ids, float[batch, 2, 4, 4] past)
=> (float[batch, 1, 50] logits, float[batch, 1, 1] top_logit, int64[batch, 1, 1] top_token,
    float[batch, 2, 4, 4] present) {
    logits = Gather (e, input_ids)
    top_logit, top_token = TopK (logits, one)
    present = Abs (past)
}"""

TOP = " float[batch, 1, 1] top_logit, int64[batch, 1, 1] top_token,"
SEARCH = "top_logit, top_token = TopK (logits, one)"


@pytest.mark.parametrize(
    ("text", "logits"),
    [
        (STEP, "last"),
        (STEP.replace("[batch, 1, 50]", "[batch, sequence, 50]").replace(TOP, "").replace(SEARCH, ""), "all"),
        (STEP.replace(" int64[batch, sequence] position_ids,", ""), "last"),
        (STEP.replace("position_ids", "position_ids, int32[batch] seqlens_k, int32 total_sequence_length"), "last"),
    ],
    ids=["step", "score", "no positions", "lengths of caches"],
)
def test_a_graph_that_keeps_the_interface_passes_unchanged(text: str, logits: str) -> None:
    assert_left_alone(lambda model: check(model, [STATE], logits), small_graph(text))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "sequence] input_ids",
            "8] input_ids",
            "input 'input_ids' has shape ['batch', 8], wanted ['batch', 'sequence']",
        ),
        ("int64[batch, sequence] input_ids", "int32[batch, sequence] input_ids", "'input_ids' of the graph is INT32"),
        ("sequence] position_ids", "sequence] token_type_ids", "input 'token_type_ids' has shape"),
        ("4, 4] past", "4, 5] past", "['batch', 2, 4, 5], wanted ['batch', 2, 4, 4]"),
        ("[batch, 2, 4, 4] past", "[1, 2, 4, 4] past", "[1, 2, 4, 4], wanted ['batch', 2, 4, 4]"),
        ("(float[batch, 1, 50]", "(float[batch, sequence, 50]", "'logits' has shape ['batch', 'sequence', 50], wanted"),
        ("(float[batch, 1, 50]", "(float[batch, 1, N]", "the logits' last dimension is N, wanted a fixed vocabulary"),
        ("(float[batch, 1, 50]", "(float16[batch, 1, 50]", "'logits' of the graph is FLOAT16, wanted FLOAT"),
        ("float[batch, 1, 50] logits,", "", "output 'logits' has shape None"),
        (",\n    float[batch, 2, 4, 4] present", "", "output 'present' has shape None"),
        (TOP, "", "output 'top_logit' has shape None, wanted ['batch', 1, 1]"),
        ("int64[batch, 1, 1] top_token", "int32[batch, 1, 1] top_token", "'top_token' of the graph is INT32"),
        ("logits,", "logits, float[batch, 3] hidden,", "output 'hidden' has shape ['batch', 3], wanted None"),
        (
            "{\n",
            "{\n n = Shape (input_ids)\n m = Size (n)\n",
            "still computes shapes (1 Shape, 1 Size): its module works",
        ),
        ("{\n", "{\n n = Range (a, b, c)\n", "(1 Range): its module counts positions itself, let it take position_ids"),
    ],
)
def test_a_graph_that_breaks_the_interface_is_refused_by_name(old: str, new: str, message: str) -> None:
    assert old in STEP
    with pytest.raises(GraphError, match=re.escape(message)):
        check(small_graph(STEP.replace(old, new, 1)), [STATE], "last")


def test_a_state_that_the_graph_lacks_is_refused() -> None:
    other = StateSpec("recurrent", "past.1", "present.1", "float32", ("batch", 1, 1, 1))
    with pytest.raises(GraphError, match=r"input 'past\.1' has shape None"):
        check(small_graph(STEP), [STATE, other], "last")
