"""The most likely token, and the proof that logits are numbers."""

from __future__ import annotations

import math

import numpy as np

from rfa_runtime.errors import LogitsError


def most_likely_token(logits: np.ndarray) -> int:
    """Return the index of the largest logit.  logits: [N].  Raises LogitsError where they are not finite."""
    token = int(logits.argmax())
    check_finite(logits.item(token))
    return token


def check_finite(largest: float) -> None:
    """Raise LogitsError where nothing can be chosen.  numpy's max and argmax give NaN where there is any."""
    if not math.isfinite(largest):
        raise LogitsError(f"the graph gave logits up to {largest}: its weights or its state are damaged")
