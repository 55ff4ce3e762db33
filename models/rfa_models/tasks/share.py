"""The part of a batch, or of the validation data, that one of several processes works on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from torch import Tensor

T = TypeVar("T")


@dataclass(frozen=True)
class Share:
    """Every `of`-th thing, from the one at `place` on: things of like size lie together, so the shares are alike."""

    place: int = 0
    of: int = 1

    def part(self, rows: Tensor) -> Tensor:
        """This process's rows, none where there are fewer than processes.  rows: [B, ...]."""
        return rows[self.place :: self.of]

    def filled(self, rows: Tensor) -> Tensor:
        """This process's rows, or the first one where it would have none: a model cannot work on nothing.

        Such a row counts in another process, so its loss must be left out here.  rows: [B, ...], B of 1 at least.
        """
        mine = self.part(rows)
        return mine if len(mine) else rows[:1]

    def pick(self, items: Iterable[T]) -> Iterator[T]:
        """This process's items of a row of them."""
        return islice(items, self.place, None, self.of)


WHOLE = Share()
"""What a process that works alone takes."""
