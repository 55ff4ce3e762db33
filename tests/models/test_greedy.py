"""Greedy translation step by step against the parallel form."""

import torch

from rfa_models.config import AttentionConfig
from rfa_models.greedy import translate
from rfa_models.token_rows import TokenRows
from rfa_models.translator import Translator
from rfa_models.translator_config import TranslatorConfig

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


def recomputed(built: Translator, source: list[int], limit: int) -> list[int]:
    """Every token from the beginning, no state kept."""
    found: list[int] = []
    with torch.no_grad():
        while len(found) < limit and END not in found:
            found.append(int(built(torch.tensor([source]), torch.tensor([[START, *found]]))[0, -1].argmax()))
    return found


def test_a_padded_batch_is_each_source_by_itself_without_a_state():
    limits = [4, 9, 6]
    for kind in ("rfa", "softmax"):
        built = model(kind)
        found = translate(built, TokenRows(SOURCES), START, END, limits)
        assert built.training, "it has its own mode again"
        built.eval()
        assert found == [recomputed(built, source, limit) for source, limit in zip(SOURCES, limits, strict=True)]


def test_a_translation_ends_with_its_end_token():
    built = model("rfa")
    with torch.no_grad():
        built.head.weight[END] = 0
        built.decoder_norm.weight.zero_()  # all logits are equal to the bias' products
        built.decoder_norm.bias.copy_(torch.ones(16))
        built.head.weight[END] = 1
    assert translate(built, TokenRows(SOURCES), START, END, [5, 5, 5]) == [[END]] * 3
