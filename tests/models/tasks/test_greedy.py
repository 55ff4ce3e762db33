"""Greedy translation step by step against the parallel form."""

from __future__ import annotations

import pytest
import torch

from rfa_models.attention.config import AttentionConfig
from rfa_models.data.token_rows import TokenRows
from rfa_models.networks.translator import Translator
from rfa_models.networks.translator_config import TranslatorConfig
from rfa_models.tasks.greedy import translate

START, END, VOCAB = 0, 1, 12
SOURCES = [[5, 6, END], [7, END], [2, 3, 4, 5, 6, 7, END]]


def model(kind: str) -> Translator:
    torch.manual_seed(3)
    attention = AttentionConfig(kind=kind, heads=2, head_dim=8, random_vectors=16)
    softmax = AttentionConfig(kind="softmax", heads=2, head_dim=8)
    built = Translator(
        TranslatorConfig(
            VOCAB, 1, 1, 32, encoder_attention=softmax, causal_attention=attention, cross_attention=attention
        )
    )
    return built.train()


def recomputed(built: Translator, source: list[int], limit: int, end: int) -> list[int]:
    """Every token from the beginning, no state kept."""
    found: list[int] = []
    with torch.no_grad():
        while len(found) < limit and end not in found:
            found.append(int(built(torch.tensor([source]), torch.tensor([[START, *found]]))[0, -1].argmax()))
    return found


@pytest.mark.parametrize("kind", ["rfa", "softmax"])
def test_a_padded_batch_is_each_source_by_itself_without_a_state(kind: str) -> None:
    built, limits = model(kind), [4, 9, 6]
    ends = {token for source in SOURCES for token in recomputed(built.eval(), source, 9, END)}
    lengths = set()
    for end in ends:  # tokens that it comes to, at other places of each translation
        wanted = [recomputed(built, source, limit, end) for source, limit in zip(SOURCES, limits, strict=True)]
        assert translate(built.train(), TokenRows(SOURCES), START, end, limits) == wanted
        assert built.training, "it has its own mode again"
        built.eval()
        lengths |= {(len(ids), limit) for ids, limit in zip(wanted, limits, strict=True)}
    assert any(length < limit for length, limit in lengths), "some end before their limit"
