"""Sinusoidal positions, computed from `position_ids`: no table, so no limit on length."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from rfa_models.networks.settings import Positions

FAIRSEQ_FIRST = 2
"""fairseq counts from its padding index + 1, and its dictionaries have padding at 1."""


def sinusoids(position_ids: Tensor, width: int, kind: Positions = "sinusoidal") -> Tensor:
    """Sines and cosines of geometrically spaced frequencies [Vaswani et al. 2017, section 3.5].

    position_ids: int64 [B, T] -> float32 [B, T, width]: sines in the first half, cosines in the second.
    `fairseq` has its frequencies a little wider apart and starts at position 2.
    """
    half = width // 2
    exponent = torch.arange(half, dtype=torch.float32, device=position_ids.device)
    if kind == "fairseq":  # multiplied in the order of fairseq's own table, so that both round alike
        position_ids = position_ids + FAIRSEQ_FIRST
        exponent = exponent * -(math.log(10_000.0) / (half - 1))
    else:
        exponent = exponent * (2 / width) * -math.log(10_000.0)
    frequency = torch.exp(exponent)
    angle = position_ids.unsqueeze(-1).to(torch.float32) * frequency
    return torch.cat([angle.sin(), angle.cos()], -1)
