"""The language model: causal, the same step by step, and trained on other random matrices than it is evaluated on."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from rfa_export.tolerances import MODELS_FLOAT64
from rfa_models.networks.language_model import LanguageModel

KINDS = {"rfa": {}, "gate": {"gate": True}, "softmax": {"kind": "softmax"}}
kinds = pytest.mark.parametrize("attention", KINDS.values(), ids=KINDS.keys())
positions = pytest.mark.parametrize("positions", ["sinusoidal", "none"])


def ids(length: int = 10) -> torch.Tensor:
    return torch.randint(256, (2, length))


def assert_same(found: torch.Tensor, wanted: torch.Tensor) -> None:
    torch.testing.assert_close(found, wanted, atol=MODELS_FLOAT64, rtol=0)


@kinds
@positions
@pytest.mark.parametrize("seen", [1, 3, 4, 9])
def test_logits_do_not_depend_on_the_future(
    small_model: Callable[..., LanguageModel], attention: dict[str, Any], positions: str, seen: int
) -> None:
    model, tokens = small_model(attention, positions=positions).double(), ids()
    changed = tokens.clone()
    changed[:, seen:] = (changed[:, seen:] + 1) % 256
    before, after = model(tokens), model(changed)
    assert_same(after[:, :seen], before[:, :seen])
    assert not torch.allclose(after[:, seen:], before[:, seen:], atol=1e-3)


@kinds
@positions
def test_step_by_step_equals_forward(
    small_model: Callable[..., LanguageModel], attention: dict[str, Any], positions: str
) -> None:
    model, tokens = small_model(attention, positions=positions).double(), ids()
    logits, states = model.step(tokens[:, :4])
    found = [logits]
    for t in range(4, 10):
        logits, states = model.step(tokens[:, t : t + 1], torch.full((2, 1), t), None, states)
        found.append(logits)
    assert_same(torch.cat(found, 1), model(tokens))
    assert len(states) == 2


@kinds
def test_left_padded_rows_with_their_own_positions_give_the_same_logits(
    small_model: Callable[..., LanguageModel], attention: dict[str, Any]
) -> None:
    model, tokens = small_model(attention).double(), ids()
    keep = torch.ones(2, 10)
    keep[1, :4] = 0
    position_ids = (keep.cumsum(1) - 1).clamp_min(0).long()
    found = model(tokens, position_ids, keep)
    assert_same(found[0], model(tokens)[0])
    assert_same(found[1, 4:], model(tokens[1:, 4:])[0])


def test_sinusoidal_positions_change_the_logits_and_none_leaves_them(small_model: Callable[..., LanguageModel]) -> None:
    tokens, later = ids(), torch.arange(5, 15).expand(2, -1)
    without, with_positions = small_model(positions="none"), small_model(positions="sinusoidal")
    assert torch.equal(without(tokens), without(tokens, later))
    assert not torch.allclose(with_positions(tokens), with_positions(tokens, later), atol=1e-3)


def test_positions_count_from_zero_where_none_are_given(small_model: Callable[..., LanguageModel]) -> None:
    model, tokens = small_model(), ids()
    assert torch.equal(model(tokens), model(tokens, torch.arange(10).expand(2, -1)))


def test_tied_embeddings_are_one_tensor_and_untied_are_two(small_model: Callable[..., LanguageModel]) -> None:
    tied, untied = small_model(tie_embeddings=True), small_model(tie_embeddings=False)
    assert tied.head.weight is tied.embedding.weight
    assert untied.head.weight is not untied.embedding.weight
    assert sum(p.numel() for p in untied.parameters()) - sum(p.numel() for p in tied.parameters()) == 256 * 16


def test_same_seed_gives_the_same_model(small_model: Callable[..., LanguageModel]) -> None:
    torch.manual_seed(3)
    first = small_model().state_dict()
    torch.manual_seed(3)
    second = small_model().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_dropout_works_in_training_only(small_model: Callable[..., LanguageModel]) -> None:
    model: LanguageModel = small_model(dropout=0.5)
    tokens = ids()
    assert torch.equal(model(tokens), model(tokens))
    model.train()
    assert not torch.allclose(model(tokens), model(tokens), atol=1e-3)
