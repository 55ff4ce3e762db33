"""Time and memory of a step of training at growing length, RFA against softmax, measured in turns in one run.

A step of every system is one round, and each figure is the median over all rounds.  Each system has a process for
itself.  Memory is that of one more process, which takes two steps at one length and no others.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass

from rfa_bench.processes.ask import command_of
from rfa_bench.processes.worker import Worker

SYSTEMS = ("softmax", "rfa", "rfa-gate")
STEPS_FOR_MEMORY = 2
"""In the second, gradients find the memory of the first as it was given back."""


@dataclass(frozen=True)
class TrainingRow:
    """One measured figure; the names are the contract of `rfa-bench --json`."""

    system: str
    context: int
    """Tokens of the one text that a step reads."""
    batch: int
    precision: str
    threads: int
    compiled: bool
    """By torch.compile."""
    ms_per_step: float
    ms_per_token: float
    tokens_per_s: float
    peak_rss_bytes: int
    """Of a process that only trains at this length."""


@dataclass(frozen=True)
class TrainingPlan:
    """What is measured, and how often."""

    size: str
    lengths: list[int]
    longest_softmax: int
    """Where softmax is left out: its time grows with the square."""
    precision: str
    compiled: bool
    threads: int
    rounds: int

    def systems(self, length: int) -> list[str]:
        """Who is measured at a length."""
        found = list(SYSTEMS)
        if length > self.longest_softmax:
            found.remove("softmax")
        return found


def measure(plan: TrainingPlan, progress: Callable[[str], None]) -> list[TrainingRow]:
    """Measure every system at every length.  Raises ProbeError where a process ends early."""
    workers = {}
    for system in SYSTEMS:
        progress(f"{system}: start")
        workers[system] = start(plan, system)
    rows = []
    for length in plan.lengths:
        rows += at_length(plan, length, workers, progress)
    for worker in workers.values():
        worker.end()
    return rows


def at_length(
    plan: TrainingPlan, length: int, workers: dict[str, Worker], progress: Callable[[str], None]
) -> list[TrainingRow]:
    """Time all systems in turns at one length, then their memory."""
    times: dict[str, list[float]] = {system: [] for system in plan.systems(length)}
    for turn in range(plan.rounds + 1):
        progress(f"{length:,} tokens: round {turn} of {plan.rounds}")
        for system, found in times.items():
            seconds, _ = step(workers[system], length)
            if turn > 0:  # the first round takes memory from the system, and may compile
                found.append(seconds)
    rows = []
    for system, found in times.items():
        progress(f"{length:,} tokens: memory of {system}")
        peak = peak_memory(plan, system, length)
        rows.append(row_of(plan, system, length, statistics.median(found), peak))
    return rows


def row_of(plan: TrainingPlan, system: str, length: int, seconds: float, peak: int) -> TrainingRow:
    """A row from the seconds of a step, and the peak memory in bytes."""
    return TrainingRow(
        system,
        length,
        1,
        plan.precision,
        plan.threads,
        plan.compiled,
        ms_per_step=seconds * 1e3,
        ms_per_token=seconds * 1e3 / length,
        tokens_per_s=length / seconds,
        peak_rss_bytes=peak,
    )


def peak_memory(plan: TrainingPlan, system: str, length: int) -> int:
    """Bytes of a process for this length alone."""
    worker = start(plan, system)
    for _ in range(STEPS_FOR_MEMORY):
        _, peak = step(worker, length)
    worker.end()
    return peak


def start(plan: TrainingPlan, system: str) -> Worker:
    """A process that trains one system; see `training_worker.py`."""
    command = command_of("training_worker", plan.size, system, plan.precision, int(plan.compiled), plan.threads)
    return Worker(command)


def step(worker: Worker, length: int) -> tuple[float, int]:
    """Seconds of a step, and the peak memory of its process in bytes."""
    found = json.loads(worker.ask(str(length)))
    return found["seconds"], found["peak_rss_bytes"]
