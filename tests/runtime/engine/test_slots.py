"""Rows of one state: whoever joins or leaves, each text goes on as it would by itself."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from rfa_runtime import Bundle, State, StepSession
from rfa_runtime.engine.slots import DeviceSlots, HostSlots, Slots
from rfa_runtime.errors import StateError

CLOSE = 1e-3
"""Of logits of some tens: products of several rows at once round in another order."""


@pytest.fixture(params=[HostSlots, DeviceSlots])
def slots(request: pytest.FixtureRequest, session: StepSession) -> Slots:
    made: Slots = request.param(session, 5)
    return made


def text(session: StepSession, ids: list[int]) -> State:
    state = session.new_state()
    session.step(np.array([ids]), state)
    return state


def test_texts_that_come_and_go_are_written_as_by_themselves(slots: Slots, session: StepSession) -> None:
    rng = random.Random(0)
    alone: list[State] = []
    """By row."""
    for _ in range(300):
        if len(alone) < 5 and rng.random() < 0.3:
            state = text(session, [rng.randrange(256) for _ in range(rng.randrange(1, 40))])
            assert slots.join(state) == len(alone)
            alone.append(state)
        if alone and rng.random() < 0.2:
            row = rng.randrange(len(alone))
            moved = slots.leave(row)
            assert moved == len(alone) - 1
            alone[row] = alone[moved]
            alone.pop()
        assert slots.used == len(alone)
        if alone:
            tokens = [rng.randrange(256) for _ in alone]
            found = slots.step(tokens)
            for row, state in enumerate(alone):
                wanted = session.step_token(tokens[row], state)
                np.testing.assert_allclose(found[row], wanted[0], atol=CLOSE)


def test_a_row_can_be_taken_out(slots: Slots, session: StepSession) -> None:
    first, second = text(session, [1, 2, 3]), text(session, [4] * 300)
    slots.join(first)
    slots.join(second)
    slots.step([5, 6])
    session.step_token(6, second)
    taken = slots.take(1)
    assert taken.lengths.tolist() == [301]
    np.testing.assert_allclose(session.step_token(7, taken), session.step_token(7, second), atol=CLOSE)


def test_there_are_no_more_rows_than_there_are(slots: Slots, session: StepSession) -> None:
    for _ in range(5):
        slots.join(text(session, [1]))
    with pytest.raises(StateError, match="all 5 rows are in use"):
        slots.join(text(session, [1]))


def test_rows_that_no_text_has_used_cost_nothing(toys: Callable[..., Bundle]) -> None:
    session = StepSession(toys("rfa"), threads=1)
    slots = HostSlots(session, 1_000_000)
    slots.join(text(session, [1]))
    assert slots.step([1]).shape[0] == 1
