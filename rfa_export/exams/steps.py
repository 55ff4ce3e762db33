"""Give tokens to the runtime as a text comes: a prompt in pieces, then one by one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Protocol, TypeVar

import numpy as np

from rfa_export.errors import ParityError
from rfa_export.exams.parity import Comparison, Parity
from rfa_export.runtimes.target_graphs import TargetGraphs
from rfa_export.tracing.trace import reason

S = TypeVar("S", contravariant=True)
"""A state."""
PREFILL = 64
"""Tokens given at once, in pieces of random length."""


def split_points(rng: np.random.Generator, steps: int) -> list[int]:
    """Where each call of the runtime ends: a prefill in random pieces, then token by token."""
    cuts = sorted(rng.choice(np.arange(1, PREFILL), size=3, replace=False).tolist())
    return [*cuts, PREFILL, *range(PREFILL + 1, PREFILL + steps + 1)]


class Steps(Protocol[S]):
    """What takes steps: our own session, or a target's graphs in another runtime."""

    def step(self, input_ids: np.ndarray, state: S) -> np.ndarray:
        """Read T tokens of every row, advance the state in place.  input_ids: [B, T] -> logits [B, N]."""


def compare_steps(
    steps: Steps[S], state: S, ids: np.ndarray, ends: list[int], wanted: np.ndarray, comparison: Comparison
) -> Parity:
    """Compare the logits after each piece of the sequence.  ids: [B, T], wanted: [B, T, N]."""
    for start, end in pairwise([0, *ends]):
        comparison.add(steps.step(ids[:, start:end], state), wanted[:, end - 1])
    return comparison.parity()


@contextmanager
def running(graphs: TargetGraphs) -> Iterator[None]:
    """Turn whatever a runtime raises into a ParityError."""
    try:
        yield
    except ParityError:
        raise
    except Exception as error:  # runtimes raise many kinds
        raise ParityError(
            f"{graphs.title} cannot run target {graphs.target}: {reason(error)}: nothing was written"
        ) from error
