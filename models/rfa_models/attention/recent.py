"""The last few rows of a sequence, carried from call to call: what windows, short convolutions and shifts read.

    joined = (row before last, last row, ... of the text so far, then the new rows)

It is a state of fixed size like the sums of attention, and the exporter threads it through a step graph alike.
"""

from __future__ import annotations

import torch
from torch import Tensor


def recent(x: Tensor, length: int, past: Tensor | None = None, *, state: str) -> tuple[Tensor, Tensor]:
    """Put the last `length` rows from before in front of new ones.

    x: [B, T, C].  past: [B, length, C], what the call before left; None where the text begins here: rows of zeros.
    state: what a step graph calls the state, such as `conv_state`.
    Returns the joined rows [B, length + T, C], and what the next call needs [B, length, C].
    """
    if past is None:
        past = x.new_zeros(x.shape[0], length, x.shape[2])
    joined = torch.cat([past, x], dim=1)
    return joined, joined[:, -length:]
