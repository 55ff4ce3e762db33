"""Translators of one shape with random weights, RFA and softmax, exported the same way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from rfa_bench.subjects.pair_tokenizer import pair_tokenizer
from rfa_export.pipeline import export_task
from rfa_export.tasks.translation import TranslatorExport
from rfa_models.attention.config import AttentionConfig
from rfa_models.networks.translator import Translator
from rfa_models.networks.translator_config import TranslatorConfig
from rfa_runtime.bundle.manifest import SpecialIds

START, END = 0, 1
"""Any two tokens: the weights are random."""


def shape(vocab_size: int, layers: int, heads: int, head_dim: int, mlp_width: int, vectors: int) -> TranslatorConfig:
    """Softmax in the encoder, RFA in both attentions of the decoder, as in the paper."""
    softmax = AttentionConfig(kind="softmax", heads=heads, head_dim=head_dim)
    rfa = AttentionConfig(heads=heads, head_dim=head_dim, random_vectors=vectors)
    return TranslatorConfig(
        vocab_size, layers, layers, mlp_width, encoder_attention=softmax, causal_attention=rfa, cross_attention=rfa
    )


TRANSLATORS = {
    "tiny": shape(vocab_size=512, layers=2, heads=2, head_dim=32, mlp_width=256, vectors=32),
    "base": shape(vocab_size=32_768, layers=6, heads=8, head_dim=64, mlp_width=2048, vectors=64),
}
"""`base` is the transformer-base of the paper's translation experiments, its decoder with 64 random vectors."""


def export_translator_twins(config: TranslatorConfig, folder: Path) -> dict[str, Path]:
    """Export RFA and softmax bundles of one shape.  Returns their paths by system."""
    softmax = replace(config.causal_attention, kind="softmax")
    return {
        "rfa": export_random_translator(config, folder / "rfa.rfa"),
        "softmax": export_random_translator(
            replace(config, causal_attention=softmax, cross_attention=softmax), folder / "softmax.rfa"
        ),
    }


def export_random_translator(config: TranslatorConfig, bundle: Path) -> Path:
    """Export a model of this shape, its weights drawn from a fixed seed; one that is there already is used again."""
    if not bundle.exists():
        torch.manual_seed(0)
        task = TranslatorExport(Translator(config).eval(), SpecialIds(START, END))
        export_task(task, bundle, pair_tokenizer(config.vocab_size), progress=lambda _: None)
    return bundle
