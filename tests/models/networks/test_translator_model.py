"""The translator: step by step as at once, and blind to padding on both sides."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from rfa_export.tolerances import FORMS_FLOAT64, MODELS_FLOAT64
from rfa_models.attention.config import AttentionConfig
from rfa_models.errors import ConfigError
from rfa_models.networks.translator import Translator
from rfa_models.networks.translator_config import TranslatorConfig

SETTINGS: dict[str, dict[str, Any]] = {
    "rfa": {},
    "gate": {"causal": {"gate": True}},
    "arccos": {"causal": {"feature_map": "arccos"}, "cross": {"feature_map": "arccos", "random_vectors": 12}},
    "rfa encoder": {"encoder": {"kind": "rfa"}},
    "softmax": {"causal": {"kind": "softmax"}, "cross": {"kind": "softmax"}},
    "post norm": {"norm": "post", "activation": "relu", "tie_embeddings": False, "positions": "none"},
}
settings = pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())


@pytest.fixture
def translator_of(small_attention: Callable[..., AttentionConfig]) -> Callable[..., Translator]:
    def build(encoder: Any = None, causal: Any = None, cross: Any = None, **others: Any) -> Translator:
        attentions = {
            "encoder_attention": small_attention(**({"kind": "softmax"} | (encoder or {}))),
            "causal_attention": small_attention(**(causal or {})),
            "cross_attention": small_attention(**(cross or {})),
        }
        config = TranslatorConfig(50, 2, 3, 24, **(attentions | others))
        return Translator(config).double().eval()

    return build


def ids(rows: int, length: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(50, (rows, length), generator=torch.Generator().manual_seed(seed))


@settings
def test_step_by_step_gives_what_the_whole_target_gives(
    translator_of: Callable[..., Translator], settings: dict[str, Any]
) -> None:
    model, source, target = translator_of(**settings), ids(3, 7), ids(3, 9, 1)
    keep = torch.ones(3, 7)
    keep[0, 4:] = 0
    wanted = model(source, target, keep)
    memories, states, found = model.encode(source, None, keep), None, []
    for place in range(9):
        positions = torch.full((3, 1), place)
        logits, states = model.step(target[:, place : place + 1], memories, positions, keep, None, states)
        found.append(logits)
    torch.testing.assert_close(torch.cat(found, 1), wanted, atol=MODELS_FLOAT64, rtol=0)


@settings
def test_padding_of_source_and_target_changes_nothing(
    translator_of: Callable[..., Translator], settings: dict[str, Any]
) -> None:
    model, source, target = translator_of(**settings), ids(2, 7), ids(2, 9, 1)
    source_keep, target_keep = torch.ones(2, 7), torch.ones(2, 9)
    source_keep[0, 4:], target_keep[0, 6:] = 0, 0
    found = model(source, target, source_keep, target_keep)
    torch.testing.assert_close(found[:1, :6], model(source[:1, :4], target[:1, :6]), atol=MODELS_FLOAT64, rtol=0)


@settings
def test_a_target_token_sees_only_those_before_it(
    translator_of: Callable[..., Translator], settings: dict[str, Any]
) -> None:
    model, source, target = translator_of(**settings), ids(1, 7), ids(1, 9, 1)
    changed = target.clone()
    changed[:, 5] = (changed[:, 5] + 1) % 50
    before, after = model(source, target), model(source, changed)
    torch.testing.assert_close(before[:, :5], after[:, :5], atol=FORMS_FLOAT64, rtol=0)
    assert not torch.allclose(before[:, 5:], after[:, 5:], atol=1e-4)


def test_one_embedding_serves_source_target_and_output(translator_of: Callable[..., Translator]) -> None:
    tied, untied = translator_of(), translator_of(tie_embeddings=False)
    assert tied.head.weight is tied.embedding.tokens.weight
    assert sum(p.numel() for p in untied.parameters()) - sum(p.numel() for p in tied.parameters()) == 50 * 16


@pytest.mark.parametrize(
    ("field", "attention", "message"),
    [
        ("cross_attention", {"gate": True}, "gate = true in cross_attention"),
        ("encoder_attention", {"gate": True}, "gate = true in encoder_attention"),
        ("cross_attention", {"heads": 3}, "are \\[16, 24\\] wide"),
        ("cross_attention", {"kind": "softmax"}, "make both the same kind"),
    ],
)
def test_attentions_that_do_not_go_together_are_refused(
    small_attention: Callable[..., AttentionConfig], field: str, attention: dict[str, Any], message: str
) -> None:
    names = ("encoder_attention", "causal_attention", "cross_attention")
    config = TranslatorConfig(50, **dict.fromkeys(names, small_attention()))
    with pytest.raises(ConfigError, match=message):
        replace(config, **{field: small_attention(**attention)})
