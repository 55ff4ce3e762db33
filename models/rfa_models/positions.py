"""Sinusoidal positions, computed from `position_ids`: no table, so no limit on length."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def sinusoids(position_ids: Tensor, width: int) -> Tensor:
    """Sines and cosines of geometrically spaced frequencies [Vaswani et al. 2017, section 3.5].

    position_ids: int64 [B, T] -> float32 [B, T, width]: sines in the first half, cosines in the second.
    """
    exponent = torch.arange(width // 2, dtype=torch.float32, device=position_ids.device) * (2 / width)
    frequency = torch.exp(exponent * -math.log(10_000.0))
    angle = position_ids.unsqueeze(-1).to(torch.float32) * frequency
    return torch.cat([angle.sin(), angle.cos()], -1)
