"""Milliseconds per token at growing context, RFA against softmax, measured in turns in one run.

Machines drift: a burst of steps of every system at every context is one round, and each figure is the median of its
bursts over all rounds.  Every context is really there: prompts are read, caches are full.  Each system has a process
for itself, as in use; how fast that is depends on the memory that it finds, so it is started several times.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rfa_bench.processes.ask import ask, command_of
from rfa_bench.processes.latency_worker import SETTLE
from rfa_bench.processes.worker import Worker
from rfa_bench.subjects.concatenated import write_concatenated
from rfa_bench.subjects.language_twins import export_softmax_twin, export_twins
from rfa_bench.subjects.shapes import SIZES
from rfa_export.targets.export_config import ExportConfig
from rfa_models.checkpoints.checkpoint import load_checkpoint
from rfa_runtime.bundle.bundle import read_bundle

STARTS = 3
"""Of each system's process."""
CONCATENATED = "concatenated"
"""The system's name in tables."""
Place = tuple[str, int]
"""System, context."""


@dataclass(frozen=True)
class LatencyRow:
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
    """Of a process that only loads the bundle, reads the context and decodes."""
    provider: str = "cpu"
    device_bytes: int | None = None
    """What the GPU holds more while such a process is at its end; None on the processor."""


@dataclass(frozen=True)
class LatencyPlan:
    """What is measured, and how often."""

    contexts: list[int]
    batch: int
    threads: int
    rounds: int
    """Turns of all systems after each start."""
    burst: int
    """Timed steps of one system in a turn."""
    provider: str = "cpu"


def twins_of_shape(size: str, folder: Path, weights: ExportConfig) -> dict[str, Path]:
    """Export both systems of a named shape with random weights.  Returns their bundles by system."""
    return export_twins(SIZES[size], folder, weights)


def twins_of_checkpoint(checkpoint: Path, bundle: Path, folder: Path, weights: ExportConfig) -> dict[str, Path]:
    """Take a checkpoint's own bundle, and export softmax of its shape.  Returns both bundles by system."""
    return {"rfa": bundle, "softmax": export_softmax_twin(load_checkpoint(checkpoint), folder, weights)}


def measure(
    bundles: dict[str, Path], precision: str, plan: LatencyPlan, progress: Callable[[str], None]
) -> list[LatencyRow]:
    """Measure every system at every context.

    precision: that the bundles have.  Raises ProbeError where a process ends early.
    """
    times: dict[Place, list[float]] = {}
    for name in bundles:
        for context in plan.contexts:
            times[name, context] = []
    for start in range(1, STARTS + 1):
        time_one_start(f"start {start} of {STARTS}", bundles, plan, times, progress)
    rows = []
    for (name, context), seconds in times.items():
        progress(f"{name}: memory at {context:,}")
        ms = statistics.median(seconds) * 1e3
        kept = state_bytes(bundles[name], context, plan.batch)
        held = ask("memory_probe", bundles[name], plan.provider, context, plan.batch, plan.threads)
        row = LatencyRow(name, context, plan.batch, precision, plan.threads, ms, kept, provider=plan.provider, **held)
        rows.append(row)
    return rows


def measure_concatenated(
    bundle: Path, precision: str, plan: LatencyPlan, progress: Callable[[str], None]
) -> list[LatencyRow]:
    """Measure the common export of a softmax bundle's model at every context, each start by itself.

    Raises ProbeError where a process ends early.
    """
    graph = write_concatenated(bundle)
    rows = []
    for context in plan.contexts:
        found = []
        for start in range(1, STARTS + 1):
            progress(f"{CONCATENATED} at {context:,}: start {start} of {STARTS}")
            found.append(ask("concatenated_probe", graph, plan.threads, plan.batch, context, plan.burst))
        ms = statistics.median(one["ms_per_token"] for one in found)
        peak = max(one["peak_rss_bytes"] for one in found)
        kept = state_bytes(bundle, context, plan.batch)
        rows.append(LatencyRow(CONCATENATED, context, plan.batch, precision, plan.threads, ms, kept, peak))
    return rows


def time_one_start(
    title: str,
    bundles: dict[str, Path],
    plan: LatencyPlan,
    times: dict[Place, list[float]],
    progress: Callable[[str], None],
) -> None:
    """Start a process for each system, and add the seconds of a step in every round to `times`.

    title: of this start, for progress.
    """
    workers = {}
    for name, path in bundles.items():
        progress(f"{title}: {name} reads {max(plan.contexts):,} tokens")
        workers[name] = start_worker(path, plan)
    for turn in range(plan.rounds + 1):
        progress(f"{title}: round {turn} of {plan.rounds}")
        for (name, context), found in times.items():
            seconds = time_steps(workers[name], context, plan.burst)
            if turn > 0:  # the first round warms caches and branch predictors
                found.append(seconds)
    for worker in workers.values():
        worker.end()


def start_worker(bundle: Path, plan: LatencyPlan) -> Worker:
    """Start a process that holds one system at every context of the plan; see `latency_worker.py`."""
    spare = (plan.rounds + 1) * (plan.burst + SETTLE)
    return Worker(command_of("latency_worker", bundle, plan.provider, plan.threads, plan.batch, spare, *plan.contexts))


def time_steps(worker: Worker, context: int, burst: int) -> float:
    """Ask a worker for the median seconds of some steps at a context."""
    return float(worker.ask(f"{context} {burst}"))


def state_bytes(bundle: Path, context: int, batch: int) -> int:
    """Bytes that must be kept between two steps: for a cache, those of the tokens so far, not its spare room."""
    states = read_bundle(bundle, check_hashes=False).manifest.state
    return batch * sum(state.row_bytes(capacity=context) for state in states)


def rows_of_json(file: Path) -> list[LatencyRow]:
    """The rows that `rfa-bench latency --json` printed, to draw them again."""
    printed = json.loads(file.read_text(encoding="utf-8"))
    return [LatencyRow(**row) for row in printed["rows"]]
