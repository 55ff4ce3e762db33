"""The same architecture twice, RFA and softmax, exported the same way: what every comparison starts from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from rfa_bench.subjects.pair_tokenizer import pair_tokenizer
from rfa_export.pipeline import FOR_OURSELVES, export
from rfa_export.targets.export_config import ExportConfig
from rfa_models.attention.config import AttentionConfig, ModelConfig
from rfa_models.checkpoints.checkpoint import Checkpoint
from rfa_models.errors import ConfigError
from rfa_models.networks.language_model import LanguageModel

SIZES = {
    "tiny": ModelConfig(
        vocab_size=512, layers=4, mlp_width=512, attention=AttentionConfig(heads=4, head_dim=32, random_vectors=32)
    ),
    "gpt2-small": ModelConfig(
        vocab_size=50257, layers=12, mlp_width=3072, attention=AttentionConfig(heads=12, head_dim=64, random_vectors=64)
    ),
    "one-billion": ModelConfig(
        vocab_size=50257,
        layers=18,
        mlp_width=8192,
        attention=AttentionConfig(heads=16, head_dim=128, random_vectors=64),
    ),
}
"""Shapes to measure with random weights: time does not depend on their values, only on which are the same."""
JITTER = 0.01
"""Added to every parameter, times a normal number."""


def export_twins(config: ModelConfig, folder: Path, weights: ExportConfig = FOR_OURSELVES) -> dict[str, Path]:
    """Export RFA and softmax bundles of one shape with random weights.  Returns their paths by system."""
    return {
        "rfa": export_random(config, folder, "rfa", weights),
        "softmax": export_random(softmax_twin(config), folder, "softmax", weights),
    }


def export_random(config: ModelConfig, folder: Path, system: str, weights: ExportConfig = FOR_OURSELVES) -> Path:
    """Export a model of this shape, its weights drawn from a fixed seed; one that is there already is used again."""
    bundle = folder / f"{system}-{weights.weights.label}.rfa"
    if not bundle.exists():
        export(random_checkpoint(config), bundle, progress=lambda _: None, config=weights)
    return bundle


def softmax_twin(config: ModelConfig) -> ModelConfig:
    """The same shape with softmax attention."""
    return replace(config, attention=replace(config.attention, kind="softmax", gate=False))


def random_checkpoint(config: ModelConfig) -> Checkpoint:
    """A model of this shape, its weights drawn from a fixed seed.

    No two are equal, as after training: a bundle stores equal ones once, and a step finds them in the caches.
    """
    torch.manual_seed(0)
    model = LanguageModel(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=JITTER)
    return Checkpoint(model, pair_tokenizer(config.vocab_size), segment_length=512)


def twin_of(checkpoint: Checkpoint, folder: Path, weights: ExportConfig = FOR_OURSELVES) -> Path:
    """Export a softmax model of a checkpoint's shape with random weights, to compare speed with."""
    config = checkpoint.model.config
    if not isinstance(config, ModelConfig):
        raise ConfigError(f"the checkpoint is for the task {checkpoint.task!r}, wanted a language model")
    return export_random(softmax_twin(config), folder, "softmax", weights)
