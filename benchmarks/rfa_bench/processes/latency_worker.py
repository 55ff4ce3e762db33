"""A worker that holds one system at several contexts, and times steps when it is asked to.

Each system has a process for itself: of two sessions in one process, the second finds better memory and steps 5 to 10%
faster.  A line `context burst` on standard input is answered by the median seconds of a step.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import numpy as np

from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.session.state import State
from rfa_runtime.session.step import StepSession

PREFILL_CHUNK = 512
SETTLE = 32
"""Steps before each burst that are not timed.

The other process leaves its data in the caches, and its threads go on spinning for a while."""


def main() -> None:
    """Arguments: bundle, provider, threads, batch, steps to come, contexts."""
    bundle = Path(sys.argv[1])
    provider = sys.argv[2]
    threads, batch, spare, *contexts = map(int, sys.argv[3:])
    session = StepSession(read_bundle(bundle), threads=threads, provider=provider)
    states = {context: prefilled(session, context, batch, spare) for context in contexts}
    print("ready", flush=True)
    for line in sys.stdin:
        context, burst = map(int, line.split())
        time_steps(session, states[context], batch, SETTLE)
        print(statistics.median(time_steps(session, states[context], batch, burst)), flush=True)


def prefilled(session: StepSession, context: int, batch: int, spare: int) -> State:
    """A state that has read `context` tokens and has room for `spare` more."""
    state = session.new_state(batch, capacity=context + spare)
    ids = np.random.default_rng(0).integers(0, session.vocab_size, (batch, context))
    for start in range(0, context, PREFILL_CHUNK):
        session.step(ids[:, start : start + PREFILL_CHUNK], state)
    return state


def time_steps(session: StepSession, state: State, batch: int, steps: int) -> list[float]:
    """Seconds of each of some steps of one token, as the decoder takes them: the token of a single row is an int."""
    ids = np.ones((batch, 1), dtype=np.int64)
    seconds = []
    for _ in range(steps):
        started = time.perf_counter()
        if batch == 1:
            session.step_token(1, state)
        else:
            session.step(ids, state)
        seconds.append(time.perf_counter() - started)
    return seconds


if __name__ == "__main__":
    main()
