"""Translators of one shape with random weights, RFA and softmax, exported the same way."""

from __future__ import annotations

from pathlib import Path

import torch

from rfa_bench.subjects.pair_tokenizer import pair_tokenizer
from rfa_bench.subjects.shapes import softmax_translator
from rfa_export.pipeline import export_task
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


def export_random_translator(config: TranslatorConfig, bundle: Path) -> Path:
    """Export a model of this shape, its weights drawn from a fixed seed; a bundle that is there is used again."""
    if not bundle.exists():
        torch.manual_seed(0)
        task = TranslatorExport(Translator(config).eval(), ANY_TWO_TOKENS)
        export_task(task, bundle, pair_tokenizer(config.vocab_size), progress=lambda _: None)
    return bundle
