"""Give tokens to the runtime as a text comes: a prompt in pieces, then one by one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from rfa_runtime.session import StepSession
from rfa_runtime.state import State

PREFILL = 64
"""Tokens given at once, in pieces of random length."""


def split_points(rng: np.random.Generator, steps: int) -> list[int]:
    """Where each call of the runtime ends: a prefill in random pieces, then token by token."""
    cuts = sorted(rng.choice(np.arange(1, PREFILL), size=3, replace=False).tolist())
    return [*cuts, PREFILL, *range(PREFILL + 1, PREFILL + steps + 1)]


def decode(session: StepSession, state: State, ids: np.ndarray, ends: list[int]) -> np.ndarray:
    """Logits after each piece of the sequence.  ids: [B, T] -> [B, pieces, N]."""
    pieces = pairwise([0, *ends])
    return np.stack([session.step(ids[:, start:end], state).copy() for start, end in pieces], axis=1)
