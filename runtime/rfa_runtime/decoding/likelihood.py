"""How likely the model thought a token, and what it would have said in its place.

Letters: N vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Likelihood:
    """Of one token, by the model itself: before temperature, penalties and what may not come."""

    logprob: float
    """Natural logarithm of its probability."""
    top: tuple[tuple[int, float], ...]
    """The most likely tokens with their logarithms, the first one the most likely."""


def likelihood(logits: np.ndarray, token: int, alternatives: int) -> Likelihood:
    """Look a token up, and the most likely ones.  logits: float32 [N]."""
    exact = logits.astype(np.float64)
    logprobs = exact - exact.max()
    logprobs -= np.log(np.exp(logprobs).sum())
    count = min(alternatives, len(logprobs))
    likely = np.argpartition(logprobs, -count)[-count:] if count else np.zeros(0, np.int64)
    order = sorted(likely.tolist(), key=lambda one: (-logprobs[one], one))
    return Likelihood(float(logprobs[token]), tuple((one, float(logprobs[one])) for one in order))
