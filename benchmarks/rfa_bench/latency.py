"""Milliseconds per token at growing context, RFA against softmax, measured in turns in one run.

Machines drift: a burst of steps of every system at every context is one round, and each figure is the median of its
bursts over all rounds.  Every context is really there: prompts are prefilled, caches are full.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from rfa_runtime.bundle import read_bundle
from rfa_runtime.session import StepSession
from rfa_runtime.state import State

PREFILL_CHUNK = 512


@dataclass(frozen=True)
class Row:
    """One measured figure; the names are the contract of `rfa-bench --json`."""

    system: str
    context: int
    batch: int
    precision: str
    threads: int
    ms_per_token: float
    """Of one step, median: with a batch, all its rows advance by one token in that time."""
    state_bytes: int
    """Of all rows: RFA's state, or the keys and values of the tokens so far."""
    peak_rss_bytes: int
    """Of a process of its own that loads the bundle, reads the context and decodes."""


def measure(
    bundles: dict[str, Path],
    contexts: list[int],
    batch: int,
    precision: str,
    threads: int,
    rounds: int,
    burst: int,
    progress: Callable[[str], None],
) -> list[Row]:
    """Measure every system at every context.  precision: that the bundles have.  burst: steps per round."""
    sessions = {name: StepSession(read_bundle(path), threads=threads) for name, path in bundles.items()}
    states: dict[tuple[str, int], State] = {}
    for name, session in sessions.items():
        for context in contexts:
            progress(f"{name}: prefill {context:,} tokens")
            states[name, context] = prefilled(session, context, batch, spare=(rounds + 1) * burst)
    times: dict[tuple[str, int], list[float]] = {key: [] for key in states}
    for turn in range(rounds + 1):
        for (name, context), state in states.items():
            progress(f"round {turn} of {rounds}: {name} at {context:,}")
            seconds = time_steps(sessions[name], state, batch, burst)
            if turn > 0:  # the first round warms caches and branch predictors
                times[name, context].append(statistics.median(seconds))
    rows = []
    for (name, context), medians in times.items():
        progress(f"{name}: memory at {context:,}")
        rows.append(
            Row(
                name,
                context,
                batch,
                precision,
                threads,
                statistics.median(medians) * 1e3,
                state_bytes(bundles[name], context, batch),
                peak_rss(bundles[name], context, batch, threads),
            )
        )
    return rows


def prefilled(session: StepSession, context: int, batch: int, spare: int) -> State:
    """A state that has read `context` tokens and has room for `spare` more."""
    state = session.new_state(batch, capacity=context + spare)
    ids = np.random.default_rng(0).integers(0, session.vocab_size, (batch, context))
    for start in range(0, context, PREFILL_CHUNK):
        session.step(ids[:, start : start + PREFILL_CHUNK], state)
    return state


def time_steps(session: StepSession, state: State, batch: int, steps: int) -> list[float]:
    """Seconds of each of some single-token steps."""
    ids = np.ones((batch, 1), dtype=np.int64)
    seconds = []
    for _ in range(steps):
        started = time.perf_counter()
        session.step(ids, state)
        seconds.append(time.perf_counter() - started)
    return seconds


def state_bytes(bundle: Path, context: int, batch: int) -> int:
    """Bytes that must be kept between two steps: for a cache, those of the tokens so far, not its spare room."""
    states = read_bundle(bundle, check_hashes=False).manifest.state
    return batch * sum(state.row_bytes(capacity=context) for state in states)


def peak_rss(bundle: Path, context: int, batch: int, threads: int) -> int:
    """Peak memory of a fresh process that does the same work."""
    command = [sys.executable, "-m", "rfa_bench.memory_probe", str(bundle), str(context), str(batch), str(threads)]
    return int(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def as_tables(rows: list[Row]) -> list[dict[str, object]]:
    """Plain rows for `--json`."""
    return [asdict(row) for row in rows]
