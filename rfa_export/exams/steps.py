"""Steps: tokens are given to a runtime as a text comes, a prompt in pieces and then one token at a time."""

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
from rfa_runtime.errors import SessionError
from rfa_runtime.session.state import State
from rfa_runtime.session.step import StepSession

S = TypeVar("S", contravariant=True)
"""A state."""
PREFILL = 64
"""Tokens of the prompt, which is given in pieces of random length."""
STEPS = 256
"""Tokens given one at a time after the prompt."""


class Steps(Protocol[S]):
    """What takes steps: our own session, or a target's graphs in another runtime."""

    def step(self, input_ids: np.ndarray, state: S) -> np.ndarray:
        """Read T tokens of every row, advance the state in place.  input_ids: [B, T] -> logits [B, N]."""


def split_points(rng: np.random.Generator, steps: int = STEPS) -> list[int]:
    """Where each call of the runtime ends: the prompt in random pieces, then token by token."""
    cuts = sorted(rng.choice(np.arange(1, PREFILL), size=3, replace=False).tolist())
    return [*cuts, PREFILL, *range(PREFILL + 1, PREFILL + steps + 1)]


def compare_steps(
    steps: Steps[S],
    state: S,
    ids: np.ndarray,
    ends: list[int],
    wanted: np.ndarray,
    comparison: Comparison,
    tokens: int = STEPS,
) -> Parity:
    """Compare the logits after each piece of the sequence.  ids: [B, T], wanted: [B, T, N].

    tokens: how many are given one at a time; the rest is left out.
    """
    for start, end in pairwise([0, *ends]):
        if end > PREFILL + tokens:
            break
        comparison.add(steps.step(ids[:, start:end], state), wanted[:, end - 1])
    return comparison.parity()


def check_choice(session: StepSession, state: State, logits: np.ndarray, graph: str) -> int:
    """Return the token that a graph has chosen in its last step.  logits: [1, N], of that step.

    Raises ParityError where another token has the largest logit.
    """
    chosen = session.most_likely(state)
    best = int(logits.argmax())
    if chosen != best:
        raise ParityError(f"the {graph} names token {chosen}, its logits say {best}: nothing was written")
    return chosen


@contextmanager
def running_here(complaint: str) -> Iterator[None]:
    """Turn an error of our own runtime into a ParityError.  complaint: begins its message."""
    try:
        yield
    except SessionError as error:
        raise ParityError(f"{complaint}: {error}: nothing was written") from error


@contextmanager
def running(graphs: TargetGraphs) -> Iterator[None]:
    """Turn whatever another runtime raises into a ParityError."""
    try:
        yield
    except ParityError:
        raise
    except Exception as error:  # runtimes raise many kinds
        raise ParityError(
            f"{graphs.title} cannot run target {graphs.target}: {reason(error)}: nothing was written"
        ) from error
