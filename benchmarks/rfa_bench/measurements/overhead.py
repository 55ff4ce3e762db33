"""Two costs that ought to be nothing: of the exported graph over a hand-written one, of the loop over a bare call."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rfa_bench.subjects.bare_steps import Step, array_step, bare_step
from rfa_bench.subjects.handwritten import write_step_graph
from rfa_bench.subjects.language_twins import export_random
from rfa_bench.subjects.shapes import SIZES
from rfa_bench.subjects.timed_session import TimedSession
from rfa_bench.tables import column
from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.tasks.language import Decoder

WARM = 10
"""Tokens before the loop counts: the first call builds the binding."""


@dataclass(frozen=True)
class Overhead:
    """All in microseconds; ratios from bursts taken in turns."""

    exported_us: float
    """One step of the exported graph, `run_with_iobinding` only."""
    handwritten_us: float
    graph_ratio: float
    """Median over rounds of exported / handwritten."""
    loop_us: float
    """What the decoder adds to a token over `run_with_iobinding`: inputs, sampling, stopping, text, streaming."""
    token_us: float
    """A token of the decoder, whole."""
    session_run_us: float
    """A step by `session.run` with arrays in and out, as ONNX Runtime's documentation shows it; nothing is sampled."""
    provider: str = "cpu"


class Pair(NamedTuple):
    """Microseconds of two acts, measured one right after the other."""

    first: float
    second: float

    @property
    def ratio(self) -> float:
        """The first over the second."""
        return self.first / self.second


def measure(size: str, folder: Path, threads: int, rounds: int, burst: int, provider: str = "cpu") -> Overhead:
    """Measure a model of a named shape against the hand-written graph, and its decoder against its own session."""
    config = SIZES[size]
    bundle = export_random(config, folder, "rfa")
    file = folder / "handwritten.onnx"
    if not file.exists():
        write_step_graph(config, file)
    graph = read_bundle(bundle).path / "model.onnx"
    graphs = in_turns(bare_step(graph, threads, provider), bare_step(file, threads, provider), rounds, burst)
    tokens = Decoder(bundle, threads=threads, provider=provider).stream("The", max_new_tokens=None, ignore_eos=True)
    loops = in_turns(partial(next, tokens), array_step(graph, threads, provider), rounds, burst)
    return Overhead(
        exported_us=statistics.median(column(graphs, "first")),
        handwritten_us=statistics.median(column(graphs, "second")),
        graph_ratio=statistics.median(column(graphs, "ratio")),
        loop_us=loop_us(bundle, threads, rounds * burst, provider),
        token_us=statistics.median(column(loops, "first")),
        session_run_us=statistics.median(column(loops, "second")),
        provider=provider,
    )


def in_turns(first: Step, second: Step, rounds: int, burst: int) -> list[Pair]:
    """Bursts of two steps in turns, each first every other time.  Returns a pair for each round; one warms up."""
    pairs = []
    for turn in range(rounds + 1):
        if turn % 2:
            second_us = burst_us(second, burst)
            first_us = burst_us(first, burst)
        else:
            first_us = burst_us(first, burst)
            second_us = burst_us(second, burst)
        pairs.append(Pair(first_us, second_us))
    return pairs[1:]


def burst_us(step: Step, count: int) -> float:
    """Median microseconds of some calls."""
    seconds = []
    for _ in range(count):
        started = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds) * 1e6


def loop_us(bundle: Path, threads: int, tokens: int, provider: str) -> float:
    """Microseconds that the decoder adds to a token, over a loop that does nothing but run the graph.

    Both loops take turns on one session, so both find the caches as a step leaves them.  Only the time outside ONNX
    Runtime counts, so that a step's own jitter does not drown the difference.
    """
    decoder = Decoder(bundle, threads=threads, provider=provider)
    decoder.session = session = TimedSession(decoder.bundle, threads, provider)
    bare = session.bare_step()
    pieces = decoder.stream("The", max_new_tokens=None, ignore_eos=True)
    pairs = []
    for _ in range(tokens + WARM):
        in_loop = outside_us(partial(next, pieces), session)
        alone = outside_us(bare, session)
        pairs.append(Pair(in_loop, alone))
    counted = pairs[WARM:]
    return statistics.median(column(counted, "first")) - statistics.median(column(counted, "second"))


def outside_us(act: Callable[[], object], session: TimedSession) -> float:
    """Microseconds of an act that were not spent in ONNX Runtime."""
    inside = session.seconds
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started - (session.seconds - inside)) * 1e6
