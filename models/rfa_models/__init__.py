"""Random Feature Attention models in torch: layers, models, training and checkpoints.

`train_recipe` trains what a recipe describes, `load_checkpoint` reads it back, `evaluate` measures it.

Example:
    import torch
    from rfa_models import AttentionConfig, RfaAttention

    layer = RfaAttention(AttentionConfig(heads=4, head_dim=64, gate=True))
    output, state = layer(torch.randn(1, 100, 256))  # [B, T, E]
    output, state = layer(torch.randn(1, 1, 256), None, state)  # the next token, at a constant cost
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rfa_models.attention.causal import RfaAttention, SoftmaxAttention
    from rfa_models.attention.config import AUTHORS, AttentionConfig
    from rfa_models.attention.neighbours import ShortConvolution, TokenShift
    from rfa_models.checkpoints.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
    from rfa_models.convert.checkpoint import convert_release
    from rfa_models.convert.pretrained.read import read_softmax_model
    from rfa_models.convert.pretrained.save import save_pretrained
    from rfa_models.data.tokenizer import byte_tokenizer
    from rfa_models.errors import ModelError
    from rfa_models.networks.classifier import Classifier
    from rfa_models.networks.classifier_config import ClassifierConfig
    from rfa_models.networks.language_model import LanguageModel
    from rfa_models.networks.language_model_config import ModelConfig
    from rfa_models.networks.translator import Translator
    from rfa_models.networks.translator_config import TranslatorConfig
    from rfa_models.recipes.recipe import Recipe, read_recipe
    from rfa_models.tasks.evaluation import evaluate
    from rfa_models.teaching.conversion import Conversion, convert_softmax
    from rfa_models.teaching.student_config import StudentConfig, TeachingConfig
    from rfa_models.training.distributed.launch import launch_processes
    from rfa_models.training.recipe_run import Trained, train_recipe
    from rfa_models.training.run import TrainingRun

__version__ = "0.1.0"
__all__ = [
    "AUTHORS",
    "AttentionConfig",
    "Checkpoint",
    "Classifier",
    "ClassifierConfig",
    "Conversion",
    "LanguageModel",
    "ModelConfig",
    "ModelError",
    "Recipe",
    "RfaAttention",
    "ShortConvolution",
    "SoftmaxAttention",
    "StudentConfig",
    "TeachingConfig",
    "TokenShift",
    "Trained",
    "TrainingRun",
    "Translator",
    "TranslatorConfig",
    "__version__",
    "byte_tokenizer",
    "convert_release",
    "convert_softmax",
    "evaluate",
    "launch_processes",
    "load_checkpoint",
    "read_recipe",
    "read_softmax_model",
    "save_checkpoint",
    "save_pretrained",
    "train_recipe",
]

HOMES = {
    "attention.causal": ("RfaAttention", "SoftmaxAttention"),
    "attention.config": ("AUTHORS", "AttentionConfig"),
    "attention.neighbours": ("ShortConvolution", "TokenShift"),
    "checkpoints.checkpoint": ("Checkpoint", "load_checkpoint", "save_checkpoint"),
    "convert.checkpoint": ("convert_release",),
    "convert.pretrained.read": ("read_softmax_model",),
    "convert.pretrained.save": ("save_pretrained",),
    "data.tokenizer": ("byte_tokenizer",),
    "errors": ("ModelError",),
    "networks.classifier": ("Classifier",),
    "networks.classifier_config": ("ClassifierConfig",),
    "networks.language_model": ("LanguageModel",),
    "networks.language_model_config": ("ModelConfig",),
    "networks.translator": ("Translator",),
    "networks.translator_config": ("TranslatorConfig",),
    "recipes.recipe": ("Recipe", "read_recipe"),
    "tasks.evaluation": ("evaluate",),
    "teaching.conversion": ("Conversion", "convert_softmax"),
    "teaching.student_config": ("StudentConfig", "TeachingConfig"),
    "training.distributed.launch": ("launch_processes",),
    "training.recipe_run": ("Trained", "train_recipe"),
    "training.run": ("TrainingRun",),
}
"""Modules are loaded when a name of theirs is first used: help and errors of commands need not wait for torch."""


def __getattr__(name: str) -> Any:
    """Find a public name in its module (PEP 562)."""
    for module, names in HOMES.items():
        if name in names:
            return getattr(import_module(f"rfa_models.{module}"), name)
    raise AttributeError(f"module 'rfa_models' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names, for completion in a console."""
    return __all__
