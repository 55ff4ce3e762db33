"""Milliseconds per target token of a translator, RFA against softmax, over lengths of source and target.

What a token costs is measured at several places of a target, in turns of all systems and places; the cost of a whole
target is the mean over its places by the trapezoidal rule, for softmax grows with every token.  Sources and targets are
really there: sources went through the encoder, targets were read before.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import numpy as np

from rfa_bench.subjects.shapes import TRANSLATORS
from rfa_bench.subjects.translator_twins import export_translator_twins
from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.session.encoder import Encoder
from rfa_runtime.session.state import State
from rfa_runtime.session.step import StepSession

Place = tuple[str, int]
"""System, tokens of the target that were read."""


@dataclass(frozen=True)
class TranslationRow:
    """One whole target of one system."""

    system: str
    source: int
    target: int
    batch: int
    precision: str
    threads: int
    ms_per_token: float
    """Mean over the target: with a batch, all its rows advance by one token in that time."""
    state_bytes: int
    """Of all rows at the end of the target, what is kept of the source included."""
    provider: str = "cpu"


@dataclass(frozen=True)
class TranslationPlan:
    """What is measured, and how often."""

    sources: list[int]
    targets: list[int]
    batch: int
    threads: int
    rounds: int
    """Turns of all systems."""
    burst: int
    """Steps of one system in a turn."""
    provider: str = "cpu"

    @property
    def places(self) -> list[int]:
        """Tokens of a target that were read where a step is timed."""
        return [1, *self.targets]

    @property
    def steps(self) -> int:
        """How many steps a state must have room for; one round only warms up."""
        return (self.rounds + 1) * self.burst


def twins_of_shape(size: str, folder: Path) -> dict[str, Path]:
    """Export both systems of a named shape.  Returns their bundles by system."""
    return export_translator_twins(TRANSLATORS[size], folder)


def measure(bundles: dict[str, Path], plan: TranslationPlan, progress: Callable[[str], None]) -> list[TranslationRow]:
    """Measure every system at every pair of lengths."""
    sessions = {}
    for name, path in bundles.items():
        sessions[name] = StepSession(read_bundle(path), threads=plan.threads, provider=plan.provider)
    rows: list[TranslationRow] = []
    for source in plan.sources:  # one source length at a time: memory stays bounded
        progress(f"source of {source:,} tokens")
        states: dict[Place, State] = {}
        for name, session in sessions.items():
            states |= prepared(name, session, source, plan)
        medians = in_turns(sessions, states, plan)
        for name, session in sessions.items():
            rows += rows_of(name, session, source, medians, plan)
    return rows


def prepared(name: str, session: StepSession, source: int, plan: TranslationPlan) -> dict[Place, State]:
    """States that have read a source and part of a target, with room for the steps to come.

    One row reads, and is copied to every row of the batch: it would take softmax 2 GB to read 16 sources.
    """
    rng = np.random.default_rng(0)
    source_ids = rng.integers(0, session.vocab_size, (1, source)).tolist()
    memory = Encoder(session.bundle, plan.threads, plan.provider).encode(source_ids)
    states = {}
    for read in plan.places:
        state = session.new_state(1, capacity=read + plan.steps, cross=memory)
        session.step(rng.integers(0, session.vocab_size, (1, read)), state)
        states[name, read] = state.select([0] * plan.batch)
    return states


def in_turns(sessions: dict[str, StepSession], states: dict[Place, State], plan: TranslationPlan) -> dict[Place, float]:
    """Median milliseconds of a step at every place; one round warms up.

    Systems change with every burst: each then finds the caches as the other left them.
    """
    places = sorted(states, key=itemgetter(1))
    times: dict[Place, list[float]] = defaultdict(list)
    for turn in range(plan.rounds + 1):
        for place in places:
            ms = burst_ms(sessions[place[0]], states[place], plan.burst)
            if turn:
                times[place].append(ms)
    return {place: statistics.median(found) for place, found in times.items()}


def burst_ms(session: StepSession, state: State, burst: int) -> float:
    """Median milliseconds of some steps."""
    ids = np.ones((state.batch, 1), np.int64)
    seconds = []
    for _ in range(burst):
        started = time.perf_counter()
        session.step(ids, state)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds) * 1e3


def rows_of(
    name: str, session: StepSession, source: int, medians: dict[Place, float], plan: TranslationPlan
) -> Iterable[TranslationRow]:
    """The rows of one system and one length of source, a row for each length of target."""
    for target in plan.targets:
        ms = mean_ms(medians, name, target)
        kept = state_bytes(session, source, target, plan.batch)
        yield TranslationRow(name, source, target, plan.batch, "fp32", plan.threads, ms, kept, plan.provider)


def mean_ms(medians: dict[Place, float], system: str, target: int) -> float:
    """Mean milliseconds per token of a target, by the trapezoidal rule over the places up to its end."""
    places = []
    costs = []
    for name, read in sorted(medians):
        if name == system and read <= target:
            places.append(read)
            costs.append(medians[name, read])
    if len(places) == 1:
        return costs[0]
    return float(np.trapezoid(costs, places) / (places[-1] - places[0]))


def state_bytes(session: StepSession, source: int, target: int, batch: int) -> int:
    """Bytes of all rows: caches of the tokens that are there, not their spare room."""
    return batch * sum(spec.row_bytes(capacity=target, source=source) for spec in session.specs)
