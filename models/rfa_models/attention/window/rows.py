"""What is kept of a token while it is in the window, side by side in one row: key, value, weight, log decay, and 1.

Rows of zeros are no tokens: they weigh nothing and nothing decays.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Tokens(NamedTuple):
    """What attention reads of some tokens."""

    qk: Tensor
    """Queries and keys as rows by sides [B, T, S, G, 1, d]; the keys are the last side."""
    v: Tensor
    """[B, T, G, d]."""
    weight: Tensor
    """How much each key counts, [B, T, G]."""
    log_decay: Tensor | None
    """[B, T, G], or None without a gate."""


class Rows(NamedTuple):
    """The parts of rows [B, M, C]."""

    keys: Tensor
    """[B, M, G d]."""
    values: Tensor
    """[B, M, G d]."""
    weight: Tensor
    """[B, M, G]."""
    log_decay: Tensor | None
    """[B, M, G], or None without a gate."""
    here: Tensor
    """1 where the row is a token, else 0: [B, M, 1]."""


def packed(tokens: Tokens) -> Tensor:
    """The rows of tokens.  [B, T, C]."""
    return torch.cat(parts(tokens), dim=-1)


def unpacked(rows: Tensor, like: Tokens) -> Rows:
    """Take rows apart.  like: tokens whose rows are as wide."""
    sizes = [part.shape[-1] for part in parts(like)]
    keys, values, weight, *decay, here = rows.split(sizes, dim=-1)
    return Rows(keys, values, weight, decay[0] if decay else None, here)


def parts(tokens: Tokens) -> list[Tensor]:
    """What stands side by side, each [B, T, its width]."""
    key = tokens.qk[:, :, -1:]
    found = [key.flatten(2), tokens.v.flatten(2), tokens.weight]
    if tokens.log_decay is not None:
        found.append(tokens.log_decay)
    found.append(tokens.weight[..., :1] * 0.0 + 1.0)
    return found
