"""What can be done to a state, and whether it leads to the same text on the processor and on another device."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rfa_runtime.session.state import State
from rfa_runtime.session.step import StepSession

PROMPT = np.array([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3], [5, 8, 9, 7, 9]])


def greedy(session: StepSession, state: State, logits: np.ndarray, steps: int = 8) -> list[list[int]]:
    """The most likely tokens of every row, step by step."""
    found = []
    for _ in range(steps):
        tokens = logits.argmax(-1)
        found.append(tokens.tolist())
        logits = session.step(tokens[:, None], state)
    return found


def same(act: Callable[[StepSession, State], State], sessions: tuple[StepSession, StepSession]) -> bool:
    """Whether an act on a state that has read the prompts leaves the same text ahead on both devices."""
    told = []
    for session in sessions:
        state = session.new_state(len(PROMPT))
        session.step(PROMPT, state)
        changed = act(session, state)
        assert changed.device == ("cpu" if session is sessions[0] else "cuda")
        first = np.full((changed.batch, 1), 7)
        told.append(greedy(session, changed, session.step(first, changed)))
    return told[0] == told[1]


def reordered(_: StepSession, state: State) -> State:
    state.reorder([2, 2, 0])
    return state


def forgotten(_: StepSession, state: State) -> State:
    state.reset()
    return state


def roomier(_: StepSession, state: State) -> State:
    state.reserve(600)
    return state


ACTS: dict[str, Callable[[StepSession, State], State]] = {
    "nothing": lambda _, state: state,
    "copy": lambda _, state: state.copy(),
    "select": lambda _, state: state.select([2, 0]),
    "stack": lambda _, state: State.stack([state.select([1]), state]),
    "reorder": reordered,
    "reset": forgotten,
    "reserve": roomier,
}
