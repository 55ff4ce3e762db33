"""How far a state wanders from float64 while the runtime decodes on and on, looked at after 1, 2, 4, 8, ... tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rfa_export.errors import TargetError
from rfa_export.exams.float64 import float64
from rfa_export.graph.roles import MODEL
from rfa_export.tasks.task import TaskExport
from rfa_export.tolerances import STATE_FLOAT16
from rfa_export.tracing.explicit_state import ExplicitState
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.manifest import StateSpec
from rfa_runtime.session.state import State
from rfa_runtime.session.step import StepSession

CHUNK = 256
"""Tokens at once in float64, where only the order of sums depends on it."""


@dataclass(frozen=True)
class DriftRow:
    """What was found after some tokens."""

    tokens: int
    state_error: float
    """Largest of any layer: error of a state, relative to its largest number."""
    logits_error: float
    """The same of the logits after this token."""

    def as_table(self) -> dict[str, Any]:
        """For the manifest and `--json`."""
        return asdict(self)


def measure_drift(
    task: TaskExport, bundle: Bundle, tokens: int, progress: Callable[[str], None], seed: int = 0
) -> tuple[DriftRow, ...]:
    """Decode random tokens one by one and compare state and logits with a float64 recurrence at powers of two.

    Raises TargetError for a model without a recurrent state of its own.
    """
    states = bundle.manifest.state
    if not states or any(state.kind != "recurrent" for state in states):
        raise TargetError("drift is that of a recurrent state over one long text: it is for RFA language models alone")
    session = StepSession(bundle)
    state, exact = session.new_state(), Exact(task, states)
    ids, rows = np.random.default_rng(seed).integers(0, bundle.manifest.vocab_size, tokens), []
    for end in powers_of_two(tokens):
        progress(f"drift after {end:,} of {tokens:,} tokens")
        logits = decode(session, state, ids[state.longest : end].tolist())
        rows.append(compare(end, bundle, state, logits, exact.read(ids[:end])))
    return tuple(rows)


class Exact:
    """The same model in float64 torch, reading on from a state."""

    def __init__(self, task: TaskExport, states: tuple[StateSpec, ...]) -> None:
        part = task.parts(states)[MODEL]
        self.step = ExplicitState(part.module, len(part.inputs), len(states))
        self.positions = len(part.inputs) > 1
        self.states: tuple[Tensor, ...] = tuple(torch.zeros(state.sizes(1), dtype=torch.float64) for state in states)
        self.length = 0

    def read(self, ids: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """Go on to the end of a text that begins as before.  ids: [T].  Returns logits [N] and the states."""
        logits = torch.zeros(0)
        while self.length < len(ids):
            end = min(self.length + CHUNK, len(ids))
            given = [torch.from_numpy(ids[None, self.length : end])]
            if self.positions:
                given.append(torch.arange(self.length, end)[None])
            with float64(self.step):
                logits, *states = self.step(*given, *self.states)
            self.states, self.length = tuple(states), end
        return logits[0, -1].numpy(), [state.numpy() for state in self.states]


def decode(session: StepSession, state: State, tokens: list[int]) -> np.ndarray:
    """Logits [N] after the last of some tokens, given one by one."""
    for token in tokens:
        logits = session.step_token(token, state)
    return logits[0].copy()


def compare(
    tokens: int, bundle: Bundle, state: State, logits: np.ndarray, exact: tuple[np.ndarray, list[np.ndarray]]
) -> DriftRow:
    """One row."""
    wanted, states = exact
    found = [state.read(spec) for spec in bundle.manifest.state]
    errors = [relative_error(*pair) for pair in zip(found, states, strict=True)]
    return DriftRow(tokens, max(errors), relative_error(logits, wanted))


def relative_error(found: np.ndarray, wanted: np.ndarray) -> float:
    """Largest difference, relative to the largest number."""
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def powers_of_two(last: int) -> list[int]:
    """1, 2, 4, ... and the last."""
    return [*(1 << power for power in range((last - 1).bit_length())), last]


def as_line(rows: tuple[DriftRow, ...]) -> str:
    """For people."""
    parts = [f"{row.state_error:.1e} and {row.logits_error:.1e} after {row.tokens:,}" for row in rows]
    return "drift from float64, state and logits: " + ", ".join(parts)


def hold_state(rows: Sequence[DriftRow], bound: float = STATE_FLOAT16) -> None:
    """Raise TargetError where a float16 state has wandered off."""
    worst = max(rows, key=lambda row: row.state_error)
    if worst.state_error > bound:
        raise TargetError(
            f"a float16 state is {worst.state_error:.0%} off after {worst.tokens:,} tokens, allowed is {bound:.0%}: "
            "the model's gates forget so slowly that it stops accumulating. Keep --state fp32"
        )
