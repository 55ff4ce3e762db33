"""Rotary positions: queries and keys are turned by angles that grow with the position [Su et al. 2021, section 3.2.2].

    (x_i, x_j)  ->  (x_i cos a - x_j sin a, x_i sin a + x_j cos a)      a = position / theta^(2 i / d)    j = i + d / 2

so that a query and a key see how far they lie apart.  Angles are computed from `position_ids`: there is no table, so
no limit on length.  Channels are paired by halves, as in Hugging Face's files; other layouts are put in this order when
they are read.
"""

from __future__ import annotations

import torch
from torch import Tensor

Rotation = tuple[Tensor, Tensor]
"""Cosines and sines of the angles, [B, T, d / 2] each."""


def rotation(position_ids: Tensor, head_dim: int, theta: float) -> Rotation:
    """Cosines and sines for each position and pair of channels.  position_ids: int64 [B, T] -> twice [B, T, d / 2]."""
    pairs = torch.arange(0, head_dim, 2, dtype=torch.float32, device=position_ids.device)
    frequencies = theta ** (-pairs / head_dim)
    angles = position_ids.unsqueeze(-1).to(torch.float32) * frequencies
    return angles.cos(), angles.sin()


def rotate(x: Tensor, turn: Rotation, heads: int) -> Tensor:
    """Turn the channels of every head.  x: [B, T, n d], n = heads -> the same."""
    cos, sin = (part.unsqueeze(2).to(x.dtype) for part in turn)
    first, second = x.unflatten(-1, (heads, 2, -1)).unbind(-2)
    turned = torch.stack([first * cos - second * sin, first * sin + second * cos], dim=-2)
    return turned.flatten(2)


def positions_from_zero(x: Tensor) -> Tensor:
    """Positions of a text that begins here.  x: [B, T, ...] -> int64 [B, T]."""
    return torch.arange(x.shape[1], device=x.device).expand(x.shape[:2])
