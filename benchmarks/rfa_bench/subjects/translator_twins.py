"""Translators of one shape with random weights, RFA and softmax, exported the same way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from rfa_bench.subjects.pair_tokenizer import pair_tokenizer
from rfa_bench.subjects.shapes import softmax_translator
from rfa_export.pipeline import export_task
from rfa_export.targets.export_config import ExportConfig
from rfa_export.tasks.translation import TranslatorExport
from rfa_models.networks.translator import Translator
from rfa_models.networks.translator_config import TranslatorConfig
from rfa_runtime.bundle.manifest import SpecialIds

ANY_TWO_TOKENS = SpecialIds(0, 1)
"""Where a target begins and ends: random weights know no better."""


def export_translator_twins(config: TranslatorConfig, folder: Path) -> dict[str, Path]:
    """Export RFA and softmax bundles of one shape.  Returns their paths by system."""
    return {
        "rfa": export_random_translator(config, folder / "rfa.rfa"),
        "softmax": export_random_translator(softmax_translator(config), folder / "softmax.rfa"),
    }


def export_variants(config: TranslatorConfig, folder: Path) -> dict[str, Path]:
    """Export the kinds of attention that the paper compares, of one shape.  Returns their paths by system.

    config: with RFA by Gaussian features.  Arc-cosine features are one of a vector, Gaussian ones two: with twice as
    many vectors both states have one size.  The gate is that of the causal attention, as in the paper.
    """
    causal = config.causal_attention
    arccos = replace(causal, feature_map="arccos", random_vectors=2 * causal.random_vectors)
    shapes = {
        "rfa-gaussian": config,
        "rfa-arccos": replace(config, causal_attention=arccos, cross_attention=arccos),
        "rfa-gate": replace(config, causal_attention=replace(causal, gate=True)),
        "softmax": softmax_translator(config),
    }
    return {name: export_random_translator(shape, folder / f"{name}.rfa") for name, shape in shapes.items()}


def export_random_translator(shape: TranslatorConfig, bundle: Path) -> Path:
    """Export a model of this shape, its weights drawn from a fixed seed; a bundle that is there is used again."""
    if not bundle.exists():
        torch.manual_seed(0)
        task = TranslatorExport(Translator(shape).eval(), ANY_TWO_TOKENS)
        config = ExportConfig(verify="ours")
        export_task(task, bundle, pair_tokenizer(shape.vocab_size), progress=lambda _: None, config=config)
    return bundle
