"""Perplexity: every token after the first is predicted once, whatever the segments."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from rfa_models.errors import DataError
from rfa_models.networks.language_model import LanguageModel
from rfa_models.tasks.perplexity import perplexity


class Bigram(nn.Module):
    """Logits that depend on the last token only, so that segments cannot matter."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(7, 7)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.table(ids)


@pytest.mark.parametrize("length", [1, 2, 5, 30, 31, 32, 1000])
@pytest.mark.parametrize("batch", [1, 4])
def test_every_token_after_the_first_counts_once(length: int, batch: int) -> None:
    model, ids = Bigram(), torch.randint(7, (32,), dtype=torch.int32)
    wanted = math.exp(F.cross_entropy(model(ids[:-1].long()), ids[1:].long()).item())
    assert perplexity(model, ids, length, batch) == pytest.approx(wanted, rel=1e-5)


def test_segments_start_from_an_empty_state(small_model: Callable[..., LanguageModel]) -> None:
    model, ids = small_model(), torch.randint(256, (21,))
    losses = [
        F.cross_entropy(model(ids[start : start + 10][None])[0], ids[start + 1 : start + 11], reduction="sum").item()
        for start in (0, 10)
    ]
    assert perplexity(model, ids, 10) == pytest.approx(math.exp(sum(losses) / 20), rel=1e-5)


@pytest.mark.parametrize("attention", [{"gate": True}, {}, {"kind": "softmax"}], ids=["gate", "rfa", "softmax"])
@pytest.mark.parametrize("positions", ["none", "sinusoidal"])
def test_segment_0_carries_the_state_through_the_text(
    small_model: Callable[..., LanguageModel],
    monkeypatch: pytest.MonkeyPatch,
    attention: dict[str, Any],
    positions: str,
) -> None:
    monkeypatch.setattr("rfa_models.tasks.perplexity.CHUNK", 7)
    model, ids = small_model(attention, positions=positions), torch.randint(256, (40,))
    assert perplexity(model, ids, 0) == pytest.approx(perplexity(model, ids, 39), rel=1e-5)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("length", [0, 8])
def test_mode_of_the_model_is_as_it_was(small_model: Callable[..., LanguageModel], training: bool, length: int) -> None:
    model = small_model(dropout=0.5).train(training)
    ids = torch.randint(256, (20,))
    assert perplexity(model, ids, length) == perplexity(model, ids, length)
    assert model.training is training


@pytest.mark.parametrize("tokens", [0, 1])
def test_text_of_less_than_two_tokens_is_refused(small_model: Callable[..., LanguageModel], tokens: int) -> None:
    with pytest.raises(DataError, match="needs at least 2"):
        perplexity(small_model(), torch.zeros(tokens, dtype=torch.int32), 8)


def test_perplexity_that_no_float_can_hold_is_infinite() -> None:
    model = Bigram()
    torch.nn.init.zeros_(model.table.weight)
    with torch.no_grad():
        model.table.weight[:, 0] = 1e4
    assert perplexity(model, torch.ones(9, dtype=torch.int32), 4) == math.inf
