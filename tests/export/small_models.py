"""The smallest models that have everything, and what torch and the runtime say of them."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from rfa_export import tolerances
from rfa_models.attention.causal import RfaAttention
from rfa_models.attention.config import AttentionConfig
from rfa_models.networks.classifier import Classifier
from rfa_models.networks.classifier_config import ClassifierConfig
from rfa_models.networks.language_model import LanguageModel
from rfa_models.networks.language_model_config import ModelConfig
from rfa_models.networks.translator import Translator
from rfa_models.networks.translator_config import TranslatorConfig
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.session.step import StepSession

VOCAB, WIDTH = 256, 16
"""Bytes; two heads of eight."""
Pieces = Sequence[int]
"""Where each call of the runtime ends."""


class Example(NamedTuple):
    """A module and the bundle that it became."""

    module: nn.Module
    bundle: Bundle


def attention_config(**settings: Any) -> AttentionConfig:
    """Two heads of eight; sixteen random vectors keep the denominator away from zero."""
    sizes = {"heads": 2, "head_dim": 8, "random_vectors": 16, "pool_size": 16, "chunk": 8}
    return AttentionConfig(**(sizes | settings))


def language_model(attention: dict[str, Any] | None = None, **settings: Any) -> LanguageModel:
    """Two layers, none of its parameters at its initial value; `attention` replaces settings of its attention."""
    torch.manual_seed(0)
    table = {"vocab_size": VOCAB, "layers": 2, "mlp_width": 16} | settings
    return disturbed(LanguageModel(ModelConfig(attention=attention_config(**(attention or {})), **table)))


def translator(encoder: str = "rfa", decoder: str = "rfa", gate: bool = False, **settings: Any) -> Translator:
    """One encoder layer and two decoder layers of the given kinds; causal attention may have a gate."""
    torch.manual_seed(0)
    table = {"vocab_size": VOCAB, "encoder_layers": 1, "decoder_layers": 2, "mlp_width": 16, "dropout": 0.0} | settings
    attentions = {
        "encoder_attention": attention_config(kind=encoder),
        "causal_attention": attention_config(kind=decoder, gate=gate),
        "cross_attention": attention_config(kind=decoder),
    }
    return disturbed(Translator(TranslatorConfig(**attentions, **table)))


def classifier(attention: dict[str, Any] | None = None, **settings: Any) -> Classifier:
    """One layer and three classes; `attention` replaces settings of its attention."""
    torch.manual_seed(0)
    table = {"vocab_size": VOCAB, "labels": ("no", "perhaps", "yes"), "layers": 1, "mlp_width": 16, "dropout": 0.0}
    config = ClassifierConfig(attention=attention_config(**(attention or {})), **(table | settings))
    return disturbed(Classifier(config))


def disturbed(module: nn.Module) -> Any:
    """Move every parameter a little: a bias of zero or a gain of one would hide that it is left out."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return module.eval()


class OneLayer(nn.Module):
    """The shortest way from ids to logits through attention: other modules are made from it by a change."""

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding, self.head = nn.Embedding(VOCAB, WIDTH), nn.Linear(WIDTH, VOCAB)
        self.attention = RfaAttention(attention_config(**settings))

    def forward(self, input_ids: Tensor) -> Tensor:
        """input_ids: [B, T] -> [B, T, N]."""
        return self.head(self.mix(self.embedding(input_ids)))

    def mix(self, x: Tensor) -> Tensor:
        """x: [B, T, E] -> the same."""
        return x + self.attention(x)[0]


def random_ids(batch: int, length: int, vocab: int = VOCAB, seed: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, vocab, (batch, length))


def torch_logits(module: nn.Module, ids: np.ndarray) -> np.ndarray:
    """The parallel form in float64.  ids: [B, T] -> [B, T, N]."""
    inputs = {"input_ids": torch.from_numpy(ids)}
    if "position_ids" in inspect.signature(module.forward).parameters:
        inputs["position_ids"] = torch.arange(ids.shape[1]).expand(ids.shape)
    with torch.no_grad():
        return copy.deepcopy(module).eval().double()(**inputs).numpy()


def decoded(bundle: Bundle, ids: np.ndarray, pieces: Pieces) -> np.ndarray:
    """The runtime's logits after each piece.  ids: [B, T] -> [B, pieces, N]."""
    session = StepSession(bundle, threads=1)
    state = session.new_state(len(ids))
    return np.stack([session.step(ids[:, start:end], state).copy() for start, end in pairwise([0, *pieces])], 1)


def split_at_random(length: int, prefill: int, seed: int = 0) -> list[int]:
    """A prefill in three pieces of any length, then token by token."""
    cuts = np.random.default_rng(seed).choice(np.arange(1, prefill), 2, replace=False)
    return [*sorted(cuts.tolist()), *range(prefill, length + 1)]


def assert_decodes_as_torch(module: nn.Module, bundle: Bundle, ids: np.ndarray, pieces: Pieces) -> None:
    """Step by step in the runtime is the parallel form in torch, and the scoring graph is too."""
    wanted = torch_logits(module, ids)
    assert_near(decoded(bundle, ids, pieces), wanted[:, [end - 1 for end in pieces]])
    scoring = StepSession(bundle, threads=1, graph="score")
    assert_near(scoring.step(ids, scoring.new_state(len(ids), capacity=ids.shape[1])), wanted)


def assert_near(found: np.ndarray, wanted: np.ndarray) -> None:
    """Within the tolerance for float32, relative to the largest logit."""
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() <= tolerances.LOGITS_FLOAT32 * np.abs(wanted).max()
