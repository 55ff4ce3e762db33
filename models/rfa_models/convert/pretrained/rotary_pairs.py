"""Where a rotation's pairs of channels lie: side by side in some files, half a head apart in ours."""

from __future__ import annotations

from torch import Tensor


def halves_from_neighbours(rows: Tensor, heads: int) -> Tensor:
    """Put channels 0, 1, 2, 3, ... of every head in the order 0, 2, ..., 1, 3, ...  rows: [heads d, ...]."""
    pairs = rows.unflatten(0, (heads, -1, 2))
    return pairs.transpose(1, 2).flatten(0, 2)
