"""Sines and cosines for training: each is the other's derivative, so a gradient computes no third."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def sines_and_cosines(angles: Tensor) -> Tensor:
    """Sines, then cosines.  [..., 1, D] -> [..., 2, D]."""
    return SinesAndCosines.apply(angles)  # type: ignore[no-untyped-call]


class SinesAndCosines(torch.autograd.Function):
    """What `sines_and_cosines` computes, and its gradient."""

    @staticmethod
    def forward(ctx: Any, angles: Tensor) -> Tensor:
        """Keep the result alone."""
        both = torch.cat([angles.sin(), angles.cos()], dim=-2)
        ctx.save_for_backward(both)
        return both

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """gradient: [..., 2, D] -> [..., 1, D]."""
        (both,) = ctx.saved_tensors
        sines, cosines = both.split(1, dim=-2)
        of_sines, of_cosines = gradient.split(1, dim=-2)
        return (of_sines * cosines).addcmul_(of_cosines, sines, value=-1.0)
