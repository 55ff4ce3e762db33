"""Guesses from the text itself: where its last tokens stood before, what came then may come again.

Source: prompt lookup decoding (Saxena, 2023).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

REMEMBERED = 8192
"""Tokens that are looked through: memory and time do not grow with the text."""
SIZES = (4, 3, 2)
"""Tokens that have to be the same, the most first."""


class Lookup:
    """A Drafter without a model."""

    def __init__(self) -> None:
        self._ids = np.empty(2 * REMEMBERED, np.int32)
        """The last tokens, in the first `_count` places."""
        self._count = 0

    def begin(self, ids: Sequence[int]) -> None:
        """Forget the text before, and read the prompt of another one."""
        last = np.array(ids[-REMEMBERED:], np.int32)
        self._ids[: len(last)] = last
        self._count = len(last)

    def note(self, token: int) -> None:
        """Take note of the next token of the text."""
        if self._count == len(self._ids):
            self._ids[:REMEMBERED] = self._ids[REMEMBERED:]
            self._count = REMEMBERED
        self._ids[self._count] = token
        self._count += 1

    def propose(self, most: int) -> list[int]:
        """Return what came after the last tokens when they came the last time."""
        known = self._ids[max(0, self._count - REMEMBERED) : self._count]
        for size in SIZES:
            place = last_place(known, size)
            if place is not None:
                found: list[int] = known[place : place + most].tolist()
                return found
        return []


def last_place(ids: np.ndarray, size: int) -> int | None:
    """The place after the last time, before its end, that the text had its last `size` tokens; None where never.

    ids: int32 [T].
    """
    starts = len(ids) - size  # the last tokens themselves begin here
    if starts < 1:
        return None
    same = np.ones(starts, bool)
    for offset in range(size):
        same &= ids[offset : offset + starts] == ids[starts + offset]
    found = np.flatnonzero(same)
    return int(found[-1]) + size if found.size else None
