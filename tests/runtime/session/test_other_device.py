"""States on another device than the processor's memory, which is reached by copies alone.

No GPU is needed: the device here is memory that only its OrtValues know.  `tests/gpu` asks a real one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from state_acts import ACTS, PROMPT, greedy, same

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.errors import StateError
from rfa_runtime.session import buffer, ort
from rfa_runtime.session.step import StepSession


class FarValue(ort.OrtValue):
    """Memory that nobody else sees: what it gives is a copy."""

    @staticmethod
    def ortvalue_from_numpy(array: np.ndarray, device: str = "cpu") -> Any:
        near = ort.OrtValue.ortvalue_from_numpy
        if device == "cpu":
            return near(array)
        hidden = array.copy()
        return FarValue(near(hidden)._get_c_value(), hidden)

    def numpy(self) -> np.ndarray:
        return super().numpy().copy()


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> None:
    """The processor stands for CUDA's device; its states lie where only copies lead."""
    monkeypatch.setattr(buffer, "OrtValue", FarValue)
    monkeypatch.setitem(ort.PROVIDERS, "cuda", ort.PROVIDERS["cpu"])
    monkeypatch.setitem(ort.PROVIDER_OPTIONS, "cuda", {})


@pytest.fixture
def sessions(far: None, toys: Callable[..., Bundle], kind: str) -> tuple[StepSession, StepSession]:
    """On the processor, and on the other device."""
    bundle = toys(kind)
    return StepSession(bundle, threads=1), StepSession(bundle, threads=1, provider="cuda")


@pytest.mark.parametrize("name", ACTS)
def test_a_state_elsewhere_is_worth_the_same(name: str, sessions: tuple[StepSession, StepSession]) -> None:
    assert same(ACTS[name], sessions)


def test_a_copy_elsewhere_goes_its_own_way(sessions: tuple[StepSession, StepSession]) -> None:
    session = sessions[1]
    state = session.new_state(len(PROMPT))
    logits = session.step(PROMPT, state).copy()
    branch = state.copy()
    ahead = greedy(session, state, logits)
    assert greedy(session, branch, logits) == ahead


def test_a_single_row_is_stepped_token_by_token_elsewhere(sessions: tuple[StepSession, StepSession]) -> None:
    told = []
    for session in sessions:
        state = session.new_state()
        steps = session.on(state)
        token = 7
        tokens = []
        for _ in range(8):
            steps.step(token)
            token = steps.most_likely()
            tokens.append(token)
        told.append(tokens)
    assert told[0] == told[1]


def test_a_state_of_another_device_is_refused(sessions: tuple[StepSession, StepSession]) -> None:
    near, elsewhere = sessions
    with pytest.raises(StateError, match="the state lies on cpu, the session computes on cuda"):
        elsewhere.step(PROMPT, near.new_state(len(PROMPT)))
