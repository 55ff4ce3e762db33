"""What is known of a text: against a plain list of everything that was kept."""

from __future__ import annotations

import random

import numpy as np
import pytest

from rfa_runtime import Bundle, State, StepSession
from rfa_runtime.engine import prefix_cache
from rfa_runtime.engine.prefix_cache import EVICTED, HIT, NO_STATE, UNKNOWN, PrefixCache, common_length, state_bytes

PLENTY = 1 << 30


@pytest.fixture
def session(toy: Bundle) -> StepSession:
    return StepSession(toy, threads=1)


def state_of(session: StepSession, ids: list[int]) -> State:
    state = session.new_state()
    session.step(np.array([ids]), state)
    return state


def test_the_longest_beginning_is_found(session: StepSession) -> None:
    rng = random.Random(0)
    cache = PrefixCache(PLENTY)
    kept: list[list[int]] = []
    for _ in range(400):
        ids = [rng.randrange(3) for _ in range(rng.randrange(1, 12))]
        found = cache.find(ids)
        wanted = max((len(one) for one in kept if one == ids[: len(one)]), default=0)
        assert found.tokens == wanted
        assert (found.state is None) == (wanted == 0)
        if found.state is not None:
            assert found.state.longest == wanted
        if rng.random() < 0.3:
            kept.append(ids)
            cache.keep(ids, state_of(session, ids))


def test_a_state_without_logits_does_not_end_a_prompt(session: StepSession) -> None:
    cache = PrefixCache(PLENTY)
    state = state_of(session, [1, 2, 3])
    state.given_logits = None
    cache.keep([1, 2, 3], state)
    assert cache.find([1, 2, 3]).tokens == 0
    assert cache.find([1, 2, 3, 4]).tokens == 3


def test_a_second_text_shows_where_they_part(session: StepSession) -> None:
    cache = PrefixCache(PLENTY)
    shared = list(range(40))
    cache.keep([*shared, 50], state_of(session, [*shared, 50]))
    found = cache.find([*shared, 60, 61])
    assert (found.tokens, found.branch, found.reason) == (0, 40, NO_STATE)
    cache.keep(shared, state_of(session, shared))
    found = cache.find([*shared, 70])
    assert (found.tokens, found.branch, found.reason) == (40, 0, HIT)
    assert cache.find([*shared, 50, 1]).tokens == 41


def test_the_budget_holds_and_the_least_used_go_first(session: StepSession) -> None:
    texts = [[number, *range(20)] for number in range(30, 60)]
    states = [state_of(session, ids) for ids in texts]
    cache = PrefixCache(5 * state_bytes(states[0]) + 4000)
    for ids, state in zip(texts, states, strict=True):
        cache.find(texts[0])
        cache.keep(ids, state)
        assert cache.bytes <= cache.budget_bytes
    assert cache.find(texts[0]).reason == HIT
    assert cache.find(texts[-1]).reason == HIT
    assert cache.find(texts[-8]).reason in (EVICTED, UNKNOWN)
    assert cache.find([99]).reason == UNKNOWN


def test_texts_are_forgotten_as_well(session: StepSession) -> None:
    state = state_of(session, [1])
    cache = PrefixCache(2 * state_bytes(state))
    rng = random.Random(1)
    for _ in range(300):
        ids = [rng.randrange(256) for _ in range(50)]
        cache.keep(ids, state_of(session, ids[:1]))
    assert cache.bytes <= 2 * state_bytes(state)


def test_long_texts_do_not_crowd_out_states(session: StepSession) -> None:
    state = state_of(session, [1])
    cache = PrefixCache(20 * state_bytes(state))
    rng = random.Random(2)
    for _ in range(500):
        ids = [rng.randrange(256) for _ in range(state_bytes(state) // 40)]
        cache.keep(ids, state_of(session, ids[:1]))
        assert cache.bytes <= cache.budget_bytes
        assert cache.find([*ids, 1]).tokens == len(ids)


def test_nothing_is_kept_without_a_budget(session: StepSession) -> None:
    cache = PrefixCache(0)
    cache.keep([1], state_of(session, [1]))
    assert (cache.bytes, cache.find([1, 2]).tokens) == (0, 0)


def test_reasons_are_counted_and_logged(session: StepSession, caplog: pytest.LogCaptureFixture) -> None:
    cache = PrefixCache(PLENTY)
    with caplog.at_level("DEBUG", logger=prefix_cache.__name__):
        cache.find([1])
        cache.keep([1], state_of(session, [1]))
        cache.find([1, 2])
    assert cache.outcomes == {UNKNOWN: 1, HIT: 1}
    assert caplog.messages == [f"{UNKNOWN}: 0 of 1 tokens", f"{HIT}: 1 of 2 tokens"]


def test_common_beginnings() -> None:
    assert common_length([], [1]) == 0
    assert common_length([1, 2, 3], [1, 2, 4]) == 2
