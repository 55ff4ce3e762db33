"""Random feature maps: phi(q).phi(k) estimates a kernel of q and k [sections 2 and 3 of the paper].

    Gaussian     phi(x) = s [sin(w_i.x), cos(w_i.x)]     K = 2 D
    arc-cosine   phi(x) = s relu(w_i.x)                  K = D

with w_i = sigma * w~_i / tau and s = sqrt(1/D).  The functions here leave s out: it is constant, so attention applies
s^2 once, where queries meet the state (`scale` in `linear_attention.py`).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from rfa_models.attention.config import AttentionConfig


def unit(x: Tensor, config: AttentionConfig) -> Tensor:
    """Scale vectors to unit length, so that the kernel's norm factors cancel.  x: [..., d] -> [..., d]."""
    if config.unit_norm == "additive":
        return x / (x.norm(dim=-1, keepdim=True) + config.unit_norm_eps)
    # x / sqrt(|x|^2 + eps^2), written as a root-mean-square norm: one operator in every runtime.
    width = x.shape[-1]
    return F.rms_norm(x, (width,), x.new_full((width,), width**-0.5), config.unit_norm_eps**2 / width)


def random_projection(x: Tensor, w: Tensor) -> Tensor:
    """Project each head's vectors on its random vectors.  x: [..., H, 1, d], w: [H, D, d] -> [..., H, 1, D]."""
    return torch.einsum("...hid,hkd->...hik", x, w)


def gaussian(projected: Tensor) -> Tensor:
    """Random Fourier features without s: sines, then cosines.  [..., 1, D] -> [..., 2, D]."""
    # cos(p) = sin(p + pi/2): one pass over one tensor.
    phase = projected.new_tensor([[0.0], [math.pi / 2]])
    return (projected + phase).sin()


def arccos(projected: Tensor) -> Tensor:
    """Arc-cosine features without s.  [..., 1, D] -> the same."""
    return projected.relu()
