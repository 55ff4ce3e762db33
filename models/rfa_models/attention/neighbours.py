"""Layers that mix a token with the few before it: the short causal convolution, and the token shift.

Both are called as `layer(x, past_state) -> (output, present_state)`, like attention; built into any module, they are
exported with it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rfa_models.attention import operators
from rfa_models.errors import ConfigError

CONVOLUTION = "conv_state"
SHIFT = "shift_state"


class ShortConvolution(nn.Module):
    """y_t = b + sum_j w_j * x_{t - J + 1 + j}: every channel by itself, over the last J tokens [Poli et al. 2023]."""

    def __init__(self, width: int, taps: int = 4, bias: bool = True) -> None:
        """width: channels.  taps: J.  Raises ConfigError for fewer than two."""
        super().__init__()
        if taps < 2:
            raise ConfigError(f"a convolution over {taps} token(s) reads no other token: wanted 2 taps or more")
        self.taps = taps
        self.weight = nn.Parameter(torch.empty(taps, width))
        self.bias = nn.Parameter(torch.zeros(width)) if bias else None
        nn.init.uniform_(self.weight, -(taps**-0.5), taps**-0.5)

    def forward(self, x: Tensor, past_state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x: [B, T, C].  past_state: [B, J - 1, C].  Returns the same shapes."""
        before = self.taps - 1
        joined, state = operators.current().recent(x, before, past_state, state=CONVOLUTION)
        total = x * self.weight[before]
        for tap in range(before):
            total = total + joined[:, tap : tap - before] * self.weight[tap]
        return (total if self.bias is None else total + self.bias), state


class TokenShift(nn.Module):
    """y_t = x_t + m * (x_{t-1} - x_t): a learned part of each channel is the last token's [Peng et al. 2023]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Parameter(torch.full((width,), 0.5))

    def forward(self, x: Tensor, past_state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x: [B, T, C].  past_state: [B, 1, C].  Returns the same shapes."""
        joined, state = operators.current().recent(x, 1, past_state, state=SHIFT)
        return x + (joined[:, :-1] - x) * self.mix, state
