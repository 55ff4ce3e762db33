"""How long a chunk of a prompt and a step of all texts take, as measured lately."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

LARGEST_CHUNK = 256
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, LARGEST_CHUNK)
"""Tokens of a chunk."""
NEWEST = 0.2
"""Weight of the newest measurement in a mean."""
FORGOTTEN = 500
"""Chunks after which the time of a size is forgotten that none of them had.

A size that was slow once, because another process had the processor, would never be tried again.
"""


@dataclass
class Measured:
    """Chunks of about one size."""

    tokens: float
    seconds: float
    """Means of what they had and took, which forget."""
    last: int
    """How many chunks of any size had been read when the last of them was."""


@dataclass
class Timings:
    """How long steps took lately, in seconds."""

    step: float = 0.0
    """Of all texts that are written, one token each; 0 before the first."""
    chunks: dict[int, Measured] = field(default_factory=dict)
    """Of a prompt, by the largest of SIZES that is no larger."""
    count: int = 0
    """Chunks so far."""

    def note_step(self, seconds: float) -> None:
        """Take note of a step."""
        self.step = seconds if self.step == 0.0 else mean(self.step, seconds)

    def note_chunk(self, tokens: int, seconds: float) -> None:
        """Take note of a chunk."""
        size = size_within(tokens)
        self.count += 1
        known = self.chunks.get(size, Measured(tokens, seconds, self.count))
        self.chunks[size] = Measured(mean(known.tokens, tokens), mean(known.seconds, seconds), self.count)
        for size, measured in list(self.chunks.items()):
            if self.count - measured.last > FORGOTTEN:
                del self.chunks[size]

    @property
    def token(self) -> float:
        """Seconds for a token of a prompt, in chunks of the best size that was measured; 0 before the first."""
        return min((measured.seconds / measured.tokens for measured in self.chunks.values()), default=0.0)

    def expected(self, size: int) -> float:
        """Seconds that a chunk will take: on the line through the two nearest sizes that were measured.

        The first tokens of a chunk cost more than the others, as weights are read once for all.  From one size alone it
        is a matter of proportion.  Nothing is known before the first: it may take for ever.
        """
        if not self.chunks:
            return math.inf
        nearest = sorted(self.chunks, key=lambda known: (abs(known - size), known))
        first = self.chunks[nearest[0]]
        if len(nearest) == 1:
            return first.seconds * size / first.tokens
        second = self.chunks[nearest[1]]
        slope = (second.seconds - first.seconds) / (second.tokens - first.tokens)
        return max(0.0, first.seconds + max(0.0, slope) * (size - first.tokens))


def mean(before: float, newest: float) -> float:
    """A mean that forgets."""
    return before + NEWEST * (newest - before)


def size_within(tokens: int) -> int:
    """The largest size of a chunk that is no larger than this."""
    return max(size for size in SIZES if size <= max(1, tokens))
