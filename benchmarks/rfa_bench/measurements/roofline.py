"""How close a step comes to the least that it can take: the bytes that it must move over the speed of reading memory.

Steps and readings take turns, each in a process for itself, and every round has a ratio of its own: machines drift.

Memory is read from two buffers.  One is as large as what a step moves, and counts: whatever of it a processor's cache
holds from one reading to the next, it holds of the weights from one step to the next.  The other is larger than the
largest cache that the system reports, and says what memory gives without any.  A virtual machine may report a cache
that it shares with others and hardly ever has; then both are equally fast.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rfa_bench.machine import available_bytes, largest_cache_bytes
from rfa_bench.measurements.decode import DecodePlan
from rfa_bench.processes.ask import command_of
from rfa_bench.processes.worker import Worker
from rfa_bench.subjects.moved_bytes import state_traffic, weight_bytes
from rfa_bench.tables import column
from rfa_runtime.bundle.bundle import read_bundle

READINGS = 8
"""Of a buffer in a round; the fastest counts."""
TIMES_THE_CACHE = 4
"""How large the larger buffer is, where memory allows."""
PART_OF_MEMORY = 4
"""It takes no more than this part of what is available."""
LEAST_BUFFER = 64_000_000
"""Bytes of the larger buffer at least."""


@dataclass(frozen=True)
class RooflineRow:
    """One step beside its roofline; the names are the contract of `rfa-bench roofline --json`."""

    system: str
    context: int
    batch: int
    precision: str
    threads: int
    ms_per_token: float
    """Of one step, median: with a batch, all its rows advance by one token in that time."""
    roofline_ms: float
    """The bytes that a step must move over the speed of reading as many bytes, median of rounds."""
    share: float
    """Roofline over step, median of the ratios of all rounds: 1 is the least that a step can take."""
    weight_bytes: int
    """That a step reads, as they are stored."""
    state_bytes: int
    """Of all rows: read and written by a step."""
    moved_bytes: int
    """Weights once, state twice."""
    gb_per_s: float
    """Reading a buffer of as many bytes, median of the fastest of each round."""
    memory_gb_per_s: float
    """Reading a buffer that no cache holds, likewise."""
    memory_buffer_bytes: int
    """Of that buffer."""
    cache_bytes: int
    """Of the largest cache that the system reports; 0 where it reports none."""


@dataclass(frozen=True)
class Round:
    """What one round found: seconds, and bytes per second."""

    step: float
    speed: float
    memory: float


def measure(bundle: Path, precision: str, plan: DecodePlan, progress: Callable[[str], None]) -> RooflineRow:
    """Measure steps of a bundle at the plan's only depth.

    precision: that the bundle has.  Raises ProbeError where a process ends early.
    """
    (context,) = plan.depths
    opened = read_bundle(bundle)
    weights = weight_bytes(opened)
    moved = weights + state_traffic(opened.manifest.state, context, plan.batch)
    beyond = larger_buffer()
    rounds: list[Round] = []
    for start in range(1, plan.starts + 1):
        progress(f"{precision}: start {start} of {plan.starts}")
        rounds += one_start(bundle, plan, moved, beyond)
    ratios = [moved / found.speed / found.step for found in rounds]
    speed = statistics.median(column(rounds, "speed"))
    return RooflineRow(
        system="rfa",
        context=context,
        batch=plan.batch,
        precision=precision,
        threads=plan.threads,
        ms_per_token=statistics.median(column(rounds, "step")) * 1e3,
        roofline_ms=moved / speed * 1e3,
        share=statistics.median(ratios),
        weight_bytes=weights,
        state_bytes=plan.batch * sum(state.row_bytes() for state in opened.manifest.state),
        moved_bytes=moved,
        gb_per_s=speed / 1e9,
        memory_gb_per_s=statistics.median(column(rounds, "memory")) / 1e9,
        memory_buffer_bytes=beyond,
        cache_bytes=largest_cache_bytes(),
    )


def one_start(bundle: Path, plan: DecodePlan, moved: int, beyond: int) -> list[Round]:
    """Start both processes and let them take turns.  moved, beyond: bytes of the two buffers."""
    (context,) = plan.depths
    steps = Worker(command_of("decoders.runtime", bundle, plan.threads, plan.provider))
    number = int(steps.ask(f"open {plan.batch} {context} {plan.room}"))
    memory = Worker(command_of("bandwidth_worker", plan.threads, moved, beyond))
    rounds = []
    for turn in range(plan.rounds + 1):
        second = statistics.median(json.loads(steps.ask(f"step {number} {plan.burst}")))
        speed = float(memory.ask(f"0 {READINGS}"))
        without_cache = float(memory.ask(f"1 {READINGS}"))
        if turn > 0:  # the first round warms up
            rounds.append(Round(second, speed, without_cache))
    steps.end()
    memory.end()
    return rounds


def larger_buffer() -> int:
    """Bytes of a buffer that no cache holds, or as near to that as memory allows."""
    wanted = TIMES_THE_CACHE * largest_cache_bytes()
    allowed = available_bytes() // PART_OF_MEMORY
    return max(LEAST_BUFFER, min(wanted, allowed))
