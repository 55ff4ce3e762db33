"""Drift: how far a state wanders from float64 while the runtime decodes on and on.

It is measured after 1, 2, 4, 8, ... tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rfa_export.errors import TargetError
from rfa_export.exams.float64 import float64
from rfa_export.precision import FLOAT32_STATE
from rfa_export.tasks.task import TaskExport
from rfa_export.tolerances import STATE_FLOAT16
from rfa_export.tracing.explicit_state import ExplicitState
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.interface import MODEL
from rfa_runtime.bundle.manifest import StateSpec, kinds
from rfa_runtime.session.state import State
from rfa_runtime.session.step import StepSession

CHUNK = 256
"""Tokens that float64 reads at once; only the order of sums depends on it."""


@dataclass(frozen=True)
class DriftRow:
    """How far the runtime is off after some tokens."""

    tokens: int
    state_error: float
    """The largest error of a state, relative to the largest number of that state."""
    logits_error: float
    """The largest error of a logit after the last token, relative to the largest logit."""

    def as_table(self) -> dict[str, Any]:
        """For the manifest and `--json`."""
        return asdict(self)


def no_drift() -> TargetError:
    """The error of a model that has none."""
    return TargetError("drift is that of a recurrent state over one long text: it is only for RFA language models")


def measure_drift(
    task: TaskExport, bundle: Bundle, tokens: int, progress: Callable[[str], None], seed: int = 0
) -> tuple[DriftRow, ...]:
    """Decode random tokens one by one and compare state and logits with a float64 recurrence at powers of two.

    Raises TargetError for a model whose state is not recurrent only.
    """
    states = bundle.manifest.state
    if kinds(states) != {"recurrent"}:
        raise no_drift()
    session = StepSession(bundle)
    state = session.new_state()
    exact = Exact(task, states)
    ids = np.random.default_rng(seed).integers(0, bundle.manifest.vocab_size, tokens)
    rows = []
    for end in powers_of_two(tokens):
        progress(f"drift after {end:,} of {tokens:,} tokens")
        logits = decode(session, state, ids[state.longest : end].tolist())
        wanted = exact.read(ids[:end])
        rows.append(DriftRow(end, state_error(state, states, exact.states), relative_error(logits, wanted)))
    return tuple(rows)


class Exact:
    """The same model in float64 torch, reading on from a state."""

    def __init__(self, task: TaskExport, states: tuple[StateSpec, ...]) -> None:
        part = task.parts(states)[MODEL]
        self.step = ExplicitState(part.module, len(part.inputs), len(states))
        self.positions = len(part.inputs) > 1
        self.states: tuple[Tensor, ...] = tuple(torch.zeros(state.sizes(1), dtype=torch.float64) for state in states)
        self.length = 0

    def read(self, ids: np.ndarray) -> np.ndarray:
        """Go on to the end of a text that begins as before.  ids: [T].  Returns logits [N] after the last token."""
        logits = torch.zeros(0)
        while self.length < len(ids):
            end = min(self.length + CHUNK, len(ids))
            given = [torch.from_numpy(ids[None, self.length : end])]
            if self.positions:
                given.append(torch.arange(self.length, end)[None])
            with float64(self.step):
                logits, *states = self.step(*given, *self.states)
            self.states = tuple(states)
            self.length = end
        return logits[0, -1].numpy()


def decode(session: StepSession, state: State, tokens: list[int]) -> np.ndarray:
    """Give tokens to the runtime, one at a time.  Returns logits [N] after the last of them."""
    for token in tokens:
        logits = session.step_token(token, state)
    return logits[0].copy()


def state_error(state: State, specs: Sequence[StateSpec], wanted: Sequence[Tensor]) -> float:
    """The largest error of any state tensor."""
    worst = 0.0
    for spec, exact in zip(specs, wanted, strict=True):
        worst = max(worst, relative_error(state.read(spec), exact.numpy()))
    return worst


def relative_error(found: np.ndarray, wanted: np.ndarray) -> float:
    """Largest difference, relative to the largest number."""
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def powers_of_two(last: int) -> Iterator[int]:
    """1, 2, 4, ... up to the last, which comes whatever it is."""
    power = 1
    while power < last:
        yield power
        power *= 2
    yield last


def as_line(rows: tuple[DriftRow, ...]) -> str:
    """For people."""
    parts = [f"{row.state_error:.1e} and {row.logits_error:.1e} after {row.tokens:,}" for row in rows]
    return f"drift from float64, state and logits: {', '.join(parts)}"


def hold_state(rows: Sequence[DriftRow], bound: float = STATE_FLOAT16) -> None:
    """Raise TargetError where a float16 state has wandered off."""
    worst = max(rows, key=lambda row: row.state_error)
    if worst.state_error > bound:
        raise TargetError(
            f"a float16 state is {worst.state_error:.0%} off after {worst.tokens:,} tokens, allowed is {bound:.0%}: "
            "the model's gates forget so slowly that it stops accumulating. Keep ",
            FLOAT32_STATE,
        )
