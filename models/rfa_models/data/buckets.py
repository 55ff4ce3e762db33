"""Rows of like length to batches, so that little of a batch is padding.

Lengths are rounded up to borders that lie a fifth apart.  Every epoch shuffles the rows, then sorts them by their
rounded lengths: other rows come together, in batches of the same sizes.  So the batch of a step is a function of the
step, and a resumed run sees what it would have seen.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

RATIO = 1.2
"""Between one border and the next."""

Cut = Callable[[list[tuple[int, ...]]], list[int]]
"""Cuts sorted rows into batches: takes the rounded lengths of each row, returns the rows of each batch."""


class BucketBatches:
    """The rows of every batch, as a function of its number."""

    def __init__(self, lengths: Tensor, cut: Cut, seed: int) -> None:
        """lengths: int64 [rows, texts of a row], sorted by the first text, then the second."""
        buckets, borders = bucketed(lengths)
        self._keys = sort_keys(buckets)
        order = longest_first(self._keys)
        self._sizes = cut(as_tuples(borders[buckets[order]]))
        self._seed = seed
        self._epoch = -1
        self._batches: list[Tensor] = []

    def __len__(self) -> int:
        """Batches of an epoch."""
        return len(self._sizes)

    def __call__(self, index: int) -> Tensor:
        """The rows of one batch, int64 [B]."""
        epoch, place = divmod(index, len(self))
        if epoch != self._epoch:
            self._epoch = epoch
            self._batches = self._epoch_batches(epoch)
        return self._batches[place]

    def _epoch_batches(self, epoch: int) -> list[Tensor]:
        """All batches of an epoch, in its order."""
        rng = torch.Generator().manual_seed(self._seed * 1_000_003 + epoch)
        shuffled = torch.randperm(len(self._keys), generator=rng)
        rows = shuffled[longest_first(self._keys[shuffled])]
        batches = rows.split(self._sizes)
        order = torch.randperm(len(batches), generator=rng).tolist()
        return [batches[index] for index in order]


def in_order(lengths: Tensor, cut: Cut) -> tuple[Tensor, ...]:
    """All rows once in batches, the longest first.  lengths: int64 [rows, texts of a row]."""
    buckets, borders = bucketed(lengths)
    order = longest_first(sort_keys(buckets))
    return order.split(cut(as_tuples(borders[buckets[order]])))


def by_rows(lengths: list[tuple[int, ...]], limit: int) -> list[int]:
    """Sizes of batches of `limit` rows each; the last may have fewer."""
    whole, rest = divmod(len(lengths), limit)
    sizes = [limit] * whole
    if rest:
        sizes.append(rest)
    return sizes


def by_tokens(lengths: list[tuple[int, ...]], limit: int) -> list[int]:
    """Sizes of batches of at most `limit` tokens, padding included, but of one row at least."""
    sizes: list[int] = []
    widest: tuple[int, ...] = ()
    for row in lengths:
        wider = tuple(map(max, row, widest or row))
        if sizes and (sizes[-1] + 1) * sum(wider) <= limit:
            sizes[-1] += 1
            widest = wider
        else:
            sizes.append(1)
            widest = row
    return sizes


def bucketed(lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Sort lengths into buckets.

    Returns the bucket of each length, in the shape of `lengths`, and the largest length of each bucket.
    """
    borders = [1]
    while borders[-1] < int(lengths.max()):
        borders.append(max(borders[-1] + 1, int(borders[-1] * RATIO)))
    found = torch.tensor(borders)
    return torch.bucketize(lengths, found), found


def as_tuples(lengths: Tensor) -> list[tuple[int, ...]]:
    """The lengths of each row.  lengths: int64 [rows, texts of a row]."""
    return [tuple(row) for row in lengths.tolist()]


def longest_first(keys: Tensor) -> Tensor:
    """The order that sorts keys downwards; rows of one key stay in the order that they have."""
    return keys.argsort(descending=True, stable=True)


def sort_keys(buckets: Tensor) -> Tensor:
    """One number for each row: sorting these sorts by the first bucket, then by the next.  [rows, texts] -> [rows]."""
    keys = torch.zeros(len(buckets), dtype=torch.int64)
    for column in buckets.unbind(1):
        keys = keys * (int(buckets.max()) + 1) + column
    return keys
