"""Language models of one shape with random weights, RFA and softmax, exported the same way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from rfa_bench.subjects.pair_tokenizer import pair_tokenizer
from rfa_bench.subjects.shapes import softmax_language_model
from rfa_export.pipeline import FOR_OURSELVES, export
from rfa_export.targets.export_config import ExportConfig
from rfa_models.checkpoints.checkpoint import Checkpoint
from rfa_models.networks.language_model import LanguageModel
from rfa_models.networks.language_model_config import ModelConfig

JITTER = 0.01
"""Added to every parameter, times a normal number."""


def export_twins(config: ModelConfig, folder: Path, weights: ExportConfig = FOR_OURSELVES) -> dict[str, Path]:
    """Export RFA and softmax bundles of one shape with random weights.  Returns their paths by system."""
    return {
        "rfa": export_random(config, folder, "rfa", weights),
        "softmax": export_random(softmax_language_model(config), folder, "softmax", weights),
    }


def export_random(shape: ModelConfig, folder: Path, system: str, weights: ExportConfig = FOR_OURSELVES) -> Path:
    """Export a model of this shape with random weights; a bundle that is there already is used again.

    The browser's runtime is not asked about it: with a billion parameters that took a quarter of an hour.
    """
    bundle = folder / f"{system}-{weights.label}.rfa"
    if not bundle.exists():
        config = replace(weights, verify="ours")
        export(random_checkpoint(shape), bundle, progress=lambda _: None, config=config)
    return bundle


def random_checkpoint(config: ModelConfig) -> Checkpoint:
    """A model of this shape, its weights drawn from a fixed seed.

    No two tensors are equal, as after training: a bundle stores equal ones once, and a step finds them in the caches.
    """
    torch.manual_seed(0)
    model = LanguageModel(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=JITTER)
    return Checkpoint(model, pair_tokenizer(config.vocab_size), segment_length=512)
