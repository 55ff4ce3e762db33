"""Random Feature Attention models in torch: layers, a language model, training and checkpoints.

Example:
    layer = RfaAttention(AttentionConfig(heads=4, head_dim=64, gate=True))
    output, state = layer(x)                       # x: [B, T, 256]
    output, state = layer(next_x, None, state)     # goes on from there, at a constant cost
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rfa_models.attention.causal import RfaAttention, SoftmaxAttention
    from rfa_models.attention.config import AUTHORS, AttentionConfig
    from rfa_models.checkpoints.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
    from rfa_models.errors import ModelError
    from rfa_models.networks.language_model import LanguageModel
    from rfa_models.networks.language_model_config import ModelConfig

__all__ = [
    "AUTHORS",
    "AttentionConfig",
    "Checkpoint",
    "LanguageModel",
    "ModelConfig",
    "ModelError",
    "RfaAttention",
    "SoftmaxAttention",
    "load_checkpoint",
    "save_checkpoint",
]

HOMES = {
    "attention.causal": ("RfaAttention", "SoftmaxAttention"),
    "attention.config": ("AUTHORS", "AttentionConfig"),
    "checkpoints.checkpoint": ("Checkpoint", "load_checkpoint", "save_checkpoint"),
    "errors": ("ModelError",),
    "networks.language_model": ("LanguageModel",),
    "networks.language_model_config": ("ModelConfig",),
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
