"""Dividing by phi(q).z, which may come near zero: the method's known weakness.

Sums of sines and cosines of unlike queries and keys can vanish or turn negative.  Three ways to keep away from zero are
in use, they are not the same function, and a model must be run with the one it was trained with:

    signed_floor   keep the sign, keep |den| >= floor           ours
    clamp          den >= floor                                 the authors' causal kernels
    abs_clamp      |den| >= floor, sign dropped                 the authors' cross attention (in Python), masked form
"""

from __future__ import annotations

import torch
from torch import Tensor

from rfa_models.attention.config import AttentionConfig, DenominatorKind


def keep_from_zero(den: Tensor, kind: DenominatorKind, floor: float) -> Tensor:
    """A denominator of the same shape that is safe to divide by; gradients stay finite everywhere."""
    if kind == "clamp":
        return den.clamp_min(floor)
    if kind == "abs_clamp":
        return den.abs().clamp_min(floor)
    return torch.where(den < 0, den.clamp_max(-floor), den.clamp_min(floor))


def normalize(sums: Tensor, config: AttentionConfig) -> Tensor:
    """Divide the weighted sums of values by the sum of weights, their last channel.  [..., d + 1] -> [..., d]."""
    num, den = sums.split([sums.shape[-1] - 1, 1], dim=-1)
    return num / keep_from_zero(den, config.denominator, config.denominator_floor)


def normalize_heads(numerator: Tensor, denominator: Tensor, config: AttentionConfig) -> Tensor:
    """Divide the weighted sums of values of each head by its sum of weights.  [..., d], [...] -> [..., d]."""
    den = keep_from_zero(denominator, config.denominator, config.denominator_floor)
    return numerator / den.unsqueeze(-1)
