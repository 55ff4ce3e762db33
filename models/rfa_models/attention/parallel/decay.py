"""From the logarithm of a decay to what it leaves."""

from __future__ import annotations

from torch import Tensor

FORGOTTEN = -60.0
"""exp(-60) = 9e-27 of a sum is nothing beside what comes after it, in float64 too.  Less than that is not computed:
below 1e-38 float32 has no ordinary numbers, and processors took four times as long for products with such."""


def left_of(log_decay: Tensor) -> Tensor:
    """The part of a sum that is left after decays, between exp(FORGOTTEN) and 1.  Any shape -> the same."""
    return log_decay.clamp(FORGOTTEN, 0.0).exp()


def left_of_(log_decay: Tensor) -> Tensor:
    """The same, written over its argument."""
    return log_decay.clamp_(FORGOTTEN, 0.0).exp_()
