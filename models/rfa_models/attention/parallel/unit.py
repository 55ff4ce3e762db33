"""Unit vectors for training: autograd would keep four tensors where one is enough."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def unit_vectors(x: Tensor, eps: float) -> Tensor:
    """x / sqrt(|x|^2 + eps^2).  x: [..., d] -> [..., d]."""
    return UnitVectors.apply(x, eps)  # type: ignore[no-untyped-call]


class UnitVectors(torch.autograd.Function):
    """What `unit_vectors` computes, and its gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, eps: float) -> Tensor:
        """Keep the result and one number for each vector."""
        inverse = torch.linalg.vecdot(x, x).add_(eps**2).rsqrt_().unsqueeze(-1)
        unit = x * inverse
        ctx.save_for_backward(unit, inverse)
        return unit

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """gradient: [..., d] -> the same."""
        unit, inverse = ctx.saved_tensors
        along = torch.linalg.vecdot(gradient, unit).unsqueeze(-1)  # the length does not change, so this part goes
        return torch.addcmul(gradient, unit, along, value=-1.0).mul_(inverse), None
