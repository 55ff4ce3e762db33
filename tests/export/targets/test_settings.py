"""Every setting of attention, exported: the runtime decodes it as torch computes it in parallel, in float64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from small_models import (
    Example,
    OneLayer,
    assert_decodes_as_torch,
    assert_near,
    attention_config,
    decoded,
    disturbed,
    language_model,
    random_ids,
    split_at_random,
    torch_logits,
)

from rfa_models.attention.causal import RfaAttention
from rfa_models.networks.language_model import LanguageModel
from rfa_runtime.bundle.bundle import Bundle

FLOOR = 0.5
"""So high that it is used."""
LAYERS = {
    "signed_floor": [("gaussian", False, "guarded"), ("arccos", True, "additive")],
    "clamp": [("gaussian", False, "additive"), ("arccos", True, "guarded")],
    "abs_clamp": [("gaussian", True, "guarded"), ("arccos", False, "additive")],
}
"""Feature map, gate and norm of the two layers of a model: any two settings meet in all their combinations."""
AROUND = {"signed_floor": (True, "none"), "clamp": (False, "sinusoidal"), "abs_clamp": (False, "none")}
"""Tied embeddings or not, positions or not; the fourth combination is the default."""
PREFILL, LENGTH = 64, 576


def two_layers(denominator: str, floor: float = FLOOR) -> LanguageModel:
    tie_embeddings, positions = AROUND[denominator]
    model = language_model(tie_embeddings=tie_embeddings, positions=positions)
    for block, (feature_map, gate, unit_norm) in zip(model.blocks, LAYERS[denominator], strict=True):
        settings = {"feature_map": feature_map, "gate": gate, "unit_norm": unit_norm, "unit_norm_eps": 1e-3}
        config = attention_config(denominator=denominator, denominator_floor=floor, **settings)
        block.attention = disturbed(RfaAttention(config))
    return model


@pytest.fixture(scope="module", params=[*LAYERS, "authors", "softmax"])
def example(request: pytest.FixtureRequest, export: Callable[..., Bundle], authors: Example) -> Example:
    if request.param == "authors":
        return authors
    model = language_model({"kind": "softmax"}) if request.param == "softmax" else two_layers(request.param)
    return Example(model, export(model))


def test_decoding_equals_the_parallel_form_for_512_steps_wherever_the_prefill_is_split(example: Example) -> None:
    ids = random_ids(3, LENGTH)
    assert_decodes_as_torch(example.module, example.bundle, ids, split_at_random(LENGTH, PREFILL))


@pytest.mark.parametrize("denominator", LAYERS)
def test_the_floor_of_the_denominator_is_used(denominator: str) -> None:
    """Else the test above would say nothing of it."""
    ids = random_ids(2, LENGTH)
    torch.manual_seed(0)
    high = torch_logits(two_layers(denominator), ids)
    torch.manual_seed(0)
    low = torch_logits(two_layers(denominator, FLOOR / 8), ids)
    assert not np.allclose(high, low, rtol=1e-2)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_one_bundle_serves_any_batch(gated: Example, batch: int) -> None:
    assert_decodes_as_torch(gated.module, gated.bundle, random_ids(batch, 24), split_at_random(24, 12))


def test_rows_of_a_batch_do_not_know_of_each_other(gated: Example) -> None:
    ids = random_ids(3, 24)
    together = decoded(gated.bundle, ids, split_at_random(24, 12))
    for row in range(3):
        assert_near(decoded(gated.bundle, ids[row : row + 1], split_at_random(24, 12)), together[row : row + 1])


@pytest.mark.parametrize("seed", range(3))
def test_the_split_of_the_prefill_does_not_matter(gated: Example, seed: int) -> None:
    ids = random_ids(2, 64)
    assert_decodes_as_torch(gated.module, gated.bundle, ids, split_at_random(64, 60, seed))


def test_a_text_may_be_longer_than_any_that_was_seen(gated: Example) -> None:
    ids = random_ids(1, 3000)
    assert_decodes_as_torch(gated.module, gated.bundle, ids, [1500, 2900, *range(2901, 3001)])


def test_gates_that_are_shut_or_open_for_ever_give_finite_logits(export: Callable[..., Bundle]) -> None:
    module = OneLayer(gate=True)
    with torch.no_grad():
        module.attention.gate_proj.bias.copy_(torch.tensor([-1000.0, 1000.0]))  # one of the two heads each
    assert_decodes_as_torch(module, export(module), random_ids(2, 40), split_at_random(40, 8))


def test_only_a_model_with_positions_asks_for_them(gated: Example) -> None:
    assert gated.bundle.manifest.graphs["model"].inputs == ("input_ids", "position_ids")
