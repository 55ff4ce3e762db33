"""`rfa-bench overhead` on the tiny shape."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rfa_bench.subjects.timed_session import TimedSession
from rfa_runtime.bundle.bundle import read_bundle

Bench = Callable[..., dict[str, Any]]


def test_overhead_gives_a_ratio_and_the_cost_of_the_loop(bench: Bench, twins: Path) -> None:
    found = bench("overhead", "--size", "tiny", "--rounds", 2, "--burst", 5, "--keep", twins)
    assert found["graph_ratio"] > 0
    assert found["loop_us"] > 0


def test_a_timed_session_counts_its_steps_and_those_that_are_bare(twins: Path) -> None:
    session = TimedSession(read_bundle(twins / "rfa-fp32.rfa"), threads=1)
    assert session.seconds == 0
    state = session.new_state()
    session.step_token(1, state)
    after_step = session.seconds
    assert after_step > 0
    bare = session.bare_step()
    before_bare = session.seconds
    bare()
    assert session.seconds > before_bare > after_step
    assert state.longest == 1, "bare steps have a state of their own"
