"""Texts of unlike lengths to rectangular batches: which go together, and how they are filled up.

Letters: B rows, T tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

import numpy as np

MAX_TOKENS = 1 << 16
"""Of a batch, padding included: it needs no more memory than one text of 64 KiB does by itself."""
SMALL = 1024
"""Tokens of a batch below which padding does no harm: a graph's launch then costs more than its arithmetic."""
LARGEST_SHARE = 0.25
"""Of a batch that may be padding."""


Item = TypeVar("Item", covariant=True)


class Items(Protocol[Item]):
    """A list, or a table by whole numbers."""

    def __getitem__(self, place: int, /) -> Item:
        """Return the item at a place."""


def at(items: Items[Item], places: Iterable[int]) -> list[Item]:
    """The items at some places."""
    return [items[place] for place in places]


def similar(lengths: Sequence[tuple[int, ...]]) -> list[list[int]]:
    """Group rows of like length.  lengths: of each row's texts, one or two.  Returns the rows' numbers, longest first.

    A row joins the group as long as little of the batch is padding.
    """
    groups: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lambda row: sum(lengths[row]), reverse=True):
        together = at(lengths, groups[-1]) if groups else []
        if groups and fits([*together, lengths[row]]):
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def fits(lengths: list[tuple[int, ...]]) -> bool:
    """Whether these rows make a good batch."""
    tokens = sum(map(sum, lengths))
    padded = len(lengths) * sum(map(max, zip(*lengths, strict=True)))
    return padded <= SMALL or (padded <= MAX_TOKENS and padded - tokens <= LARGEST_SHARE * padded)


def pad(rows: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Fill rows up to the longest with id 0.  Returns ids and mask, int64 [B, T]; the mask is 1 at tokens."""
    width = max(map(len, rows))
    ids, mask = np.zeros((2, len(rows), width), np.int64)
    for row, tokens in enumerate(rows):
        ids[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = 1
    return ids, mask
