"""The norms of a language model's blocks."""

from __future__ import annotations

from torch import nn

from rfa_models.networks.settings import Normalization


def build_norm(kind: Normalization, width: int, eps: float) -> nn.Module:
    """The norm that a configuration names.  [B, T, E] -> [B, T, E]."""
    return nn.LayerNorm(width, eps) if kind == "layer" else nn.RMSNorm(width, eps)
