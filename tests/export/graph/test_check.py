"""A graph that breaks its interface is named, and one that keeps it passes."""

from __future__ import annotations

import re

import pytest
from small_graphs import assert_left_alone, small_graph

from rfa_export.errors import GraphError
from rfa_export.graph.check import check_classifier, check_encoder, check_step
from rfa_runtime.bundle.manifest import StateSpec

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
    assert_left_alone(lambda model: check_step(model, [STATE], logits), small_graph(text))


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
        check_step(small_graph(STEP.replace(old, new, 1)), [STATE], "last")


def test_a_state_that_the_graph_lacks_is_refused() -> None:
    other = StateSpec("recurrent", "past.1", "present.1", "float32", ("batch", 1, 1, 1))
    with pytest.raises(GraphError, match=r"input 'past\.1' has shape None"):
        check_step(small_graph(STEP), [STATE, other], "last")


def test_what_an_encoder_made_is_taken_and_not_given() -> None:
    sums = StateSpec("cross", "cross", "cross", "float32", ("batch", 2, 4, 4))
    text = STEP.replace("float[batch, 2, 4, 4] past)", "float[batch, 2, 4, 4] past, float[batch, 2, 4, 4] cross)")
    assert_left_alone(lambda model: check_step(model, [STATE, sums], "last"), small_graph(text))
    with pytest.raises(GraphError, match="input 'cross' has shape None"):
        check_step(small_graph(STEP), [STATE, sums], "last")
    given = text.replace("present)", "present, float[batch, 2, 4, 4] cross)", 1)
    with pytest.raises(GraphError, match="output 'cross' has shape"):
        check_step(small_graph(given), [STATE, sums], "last")


KEYS = StateSpec("cross", "keys", "keys", "float32", ("batch", 2, "source", 8))
MASK = StateSpec("cross", "cross_key_values.mask", "cross_key_values.mask", "int32", ("batch", "source"))
ENCODER = """g (int64[batch, sequence] input_ids, int64[batch, sequence] attention_mask,
    int64[batch, sequence] position_ids)
=> (float[batch, 2, sequence, 8] keys, int32[batch, sequence] "cross_key_values.mask") {
    keys = Gather (e, input_ids)
    "cross_key_values.mask" = Cast <to = 6> (attention_mask)
}"""


@pytest.mark.parametrize("positions", [",\n    int64[batch, sequence] position_ids", ""])
def test_an_encoder_gives_what_the_decoder_takes(positions: str) -> None:
    text = ENCODER.replace(",\n    int64[batch, sequence] position_ids", positions)
    assert_left_alone(lambda model: check_encoder(model, [KEYS, MASK]), small_graph(text))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (" int64[batch, sequence] attention_mask,", "", "input 'attention_mask' has shape None, wanted ['batch', 'seq"),
        (
            "int64[batch, sequence] att",
            "int32[batch, sequence] att",
            "'attention_mask' of the graph is INT32, wanted I",
        ),
        ("2, sequence, 8] keys", "2, source, 8] keys", "output 'keys' has shape ['batch', 2, 'source', 8], wanted"),
        ('int32[batch, sequence] "cross', 'int64[batch, sequence] "cross', "mask' of the graph is INT64, wanted INT32"),
        ("float[batch, 2, sequence, 8] keys, ", "", "output 'keys' has shape None"),
        ("{\n", "{\n n = Shape (input_ids)\n", "the graph still computes shapes (1 Shape)"),
    ],
)
def test_an_encoder_that_breaks_the_interface_is_refused_by_name(old: str, new: str, message: str) -> None:
    assert old in ENCODER
    with pytest.raises(GraphError, match=re.escape(message)):
        check_encoder(small_graph(ENCODER.replace(old, new, 1)), [KEYS, MASK])


CLASSIFIER = """g (int64[batch, sequence] input_ids, int64[batch, sequence] attention_mask)
=> (float[batch, 3] logits) {
    logits = Gather (e, input_ids)
}"""
PAIR = ",int64[batch, pair_sequence] pair_input_ids, int64[batch, pair_sequence] pair_attention_mask)\n=>"


def test_a_classifier_reads_one_text_or_two() -> None:
    pairs = CLASSIFIER.replace(")\n=>", PAIR)
    assert_left_alone(lambda model: check_classifier(model, 3, pairs=False), small_graph(CLASSIFIER))
    assert_left_alone(lambda model: check_classifier(model, 3, pairs=True), small_graph(pairs))
    with pytest.raises(GraphError, match="input 'pair_attention_mask' has shape None"):
        check_classifier(small_graph(CLASSIFIER), 3, pairs=True)
    with pytest.raises(GraphError, match=r"input 'pair_attention_mask' has shape .*, wanted None"):
        check_classifier(small_graph(pairs), 3, pairs=False)


def test_a_classifier_has_a_logit_for_each_class() -> None:
    with pytest.raises(GraphError, match=re.escape("'logits' has shape ['batch', 3], wanted ['batch', 4]")):
        check_classifier(small_graph(CLASSIFIER), 4, pairs=False)
