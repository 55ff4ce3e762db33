"""Translators of every kind become an encoder and a decoder that translate as torch does."""

from __future__ import annotations

import pytest
from graph_files import FLOAT, INT32, INT64, graph, interface
from small_models import Example, assert_near, random_ids
from small_translators import (
    ENCODER,
    STEP,
    WEIGHTS,
    assert_translates_as_torch,
    new_state,
    random_sources,
    translated,
)

from rfa_export.tasks.task import PRODUCER
from rfa_runtime.bundle.manifest import GraphSpec
from rfa_runtime.session.step import StepSession

LENGTHS, PIECES = (3, 17, 8), [5, 19, *range(32, 289)]
"""Tokens of the sources, and where each call of the decoder ends: three pieces, then 256 steps."""
TOKENS = (INT64, ["batch", "sequence"])
rfa, softmax = (pytest.mark.parametrize("translator", [name], indirect=True) for name in ("rfa", "softmax"))


def test_a_batch_of_unlike_sources_is_translated_as_torch_translates_each(translator: Example) -> None:
    sources, targets = random_sources(*LENGTHS), random_ids(len(LENGTHS), PIECES[-1])
    assert_translates_as_torch(translator.module, translator.bundle, sources, targets, PIECES)


def test_a_source_alone_is_translated_as_in_a_batch(translator: Example) -> None:
    sources, targets, pieces = random_sources(*LENGTHS), random_ids(len(LENGTHS), 12), [7, *range(8, 13)]
    together = translated(translator.bundle, sources, targets, pieces)
    for row, source in enumerate(sources):
        alone = translated(translator.bundle, [source], targets[row : row + 1], pieces)
        assert_near(alone, together[row : row + 1])


def test_sources_and_targets_may_be_longer_than_any_that_was_seen(translator: Example) -> None:
    sources, targets = random_sources(2000), random_ids(1, 1000)
    assert_translates_as_torch(translator.module, translator.bundle, sources, targets, [999, 1000])


def test_only_softmax_remembers_more_of_a_longer_source(translator: Example) -> None:
    session = StepSession(translator.bundle, threads=1)
    short, long = (new_state(translator.bundle, session, random_sources(length)).nbytes for length in (8, 1000))
    assert (long > short) == (translator.module.config.cross_attention.kind == "softmax")


@rfa
def test_what_passes_from_encoder_to_decoder_has_a_name_and_a_fixed_size(translator: Example) -> None:
    encoder, step = (graph(translator.bundle.path / file) for file in (ENCODER, STEP))
    cross = {f"cross_key_values.{layer}.recurrent_state": (FLOAT, ["batch", 2, 32, 9]) for layer in range(2)}
    past, present = {}, {}
    for layer, features in enumerate((32, 16)):
        for suffix, values in (("recurrent_state", 8), ("normalizer_state", 1)):
            shape = (FLOAT, ["batch", 2, features, values])
            past[f"past_key_values.{layer}.{suffix}"] = shape
            present[f"present.{layer}.{suffix}"] = shape
    tokens, positions = {"input_ids": TOKENS}, {"position_ids": TOKENS}
    assert interface(encoder.input) == tokens | {"attention_mask": TOKENS} | positions
    assert interface(encoder.output) == cross
    assert interface(step.input) == tokens | positions | past | cross
    top = {"top_logit": (FLOAT, ["batch", 1, 1]), "top_token": (INT64, ["batch", 1, 1])}
    assert interface(step.output) == {"logits": (FLOAT, ["batch", 1, 256])} | top | present


@softmax
def test_softmax_passes_keys_and_values_and_one_mask(translator: Example) -> None:
    encoder, step = (graph(translator.bundle.path / file) for file in (ENCODER, STEP))
    layers = [[f"cross_key_values.{layer}.{name}" for name in ("key", "value")] for layer in range(2)]
    given, taken = (
        {name: (FLOAT, ["batch", 2, length, 8]) for names in layers for name in names}
        | {"cross_key_values.mask": (INT32, ["batch", length])}
        for length in ("sequence", "source")
    )
    assert interface(encoder.input) == {"input_ids": TOKENS, "attention_mask": TOKENS}
    assert interface(encoder.output) == given
    assert {name: kind for name, kind in interface(step.input).items() if name in taken} == taken
    readers = [list(node.input[1:]) for node in step.node if node.op_type == "MultiHeadAttention"]
    assert readers == [[*names, "", "cross_key_values.mask"] for names in layers]


@pytest.mark.parametrize(
    ("translator", "inputs", "lengths", "kinds"),
    [
        ("rfa", ["position_ids"], [], ["recurrent"] * 4 + ["cross"] * 2),
        ("softmax", [], ["seqlens_k", "total_sequence_length"], ["cache"] * 4 + ["cross"] * 5),
    ],
    indirect=["translator"],
)
def test_the_manifest_says_what_is_needed_to_run(
    translator: Example, inputs: list[str], lengths: list[str], kinds: list[str]
) -> None:
    manifest = translator.bundle.manifest
    assert (manifest.producer, manifest.task, manifest.vocab_size) == (PRODUCER, "translation", 256)
    assert [spec.kind for spec in manifest.state] == kinds
    cross = [spec for spec in manifest.state if spec.kind == "cross"]
    assert all(spec.past == spec.present for spec in cross)
    given, top = tuple(spec.present for spec in cross), ("logits", "top_logit", "top_token")
    assert manifest.graphs == {
        "encoder": GraphSpec(ENCODER, "ort", ("input_ids", "attention_mask", *inputs), "none", given),
        "model": GraphSpec(STEP, "ort", ("input_ids", *inputs, *lengths), "last", top),
    }
    assert sorted(manifest.files) == [ENCODER, STEP, WEIGHTS]
