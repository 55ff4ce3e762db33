"""Milliseconds per token at growing context, RFA against softmax, measured in turns in one run.

Machines drift: a burst of steps of every system at every context is one round, and each figure is the median of its
bursts over all rounds.  Every context is really there: prompts are prefilled, caches are full.  Each system has a
process of its own, as in use; how fast that is depends on the memory that it finds, so it is started several times.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from rfa_bench.processes.latency_worker import SETTLE
from rfa_runtime.bundle.bundle import read_bundle

STARTS = 3
"""Of each system's process."""


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
    """Measure every system at every context.

    precision: that the bundles have.  rounds: turns of all systems after each start.  burst: timed steps of a turn.

    Raises OSError where a process ends early.
    """
    times: dict[tuple[str, int], list[float]] = {(name, context): [] for name in bundles for context in contexts}
    for start in range(STARTS):
        workers = {}
        for name, path in bundles.items():
            progress(f"start {start + 1} of {STARTS}: {name} reads {max(contexts):,} tokens")
            workers[name] = Worker(path, contexts, batch, threads, (rounds + 1) * (burst + SETTLE))
        for turn in range(rounds + 1):
            progress(f"start {start + 1} of {STARTS}: round {turn} of {rounds}")
            for (name, context), found in times.items():
                seconds = workers[name].time(context, burst)
                if turn > 0:  # the first round warms caches and branch predictors
                    found.append(seconds)
        for worker in workers.values():
            worker.end()
    rows = []
    for (name, context), medians in times.items():
        progress(f"{name}: memory at {context:,}")
        kept, peak = state_bytes(bundles[name], context, batch), peak_rss(bundles[name], context, batch, threads)
        rows.append(Row(name, context, batch, precision, threads, statistics.median(medians) * 1e3, kept, peak))
    return rows


class Worker:
    """A system in a process of its own; see `latency_worker.py`."""

    def __init__(self, bundle: Path, contexts: list[int], batch: int, threads: int, spare: int) -> None:
        numbers = map(str, (threads, batch, spare, *contexts))
        command = [sys.executable, "-m", "rfa_bench.processes.latency_worker", str(bundle), *numbers]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.answer()

    def time(self, context: int, burst: int) -> float:
        """Median seconds of some steps."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{context} {burst}\n")
        self.process.stdin.flush()
        return float(self.answer())

    def answer(self) -> str:
        """A line of the process.  Raises OSError with its last words where there is none."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            _, said = self.process.communicate()
            raise OSError(f"the measuring process ended early: {said.strip()[-300:]}")
        return line

    def end(self) -> None:
        """Let the process end."""
        self.process.communicate()


def state_bytes(bundle: Path, context: int, batch: int) -> int:
    """Bytes that must be kept between two steps: for a cache, those of the tokens so far, not its spare room."""
    states = read_bundle(bundle, check_hashes=False).manifest.state
    return batch * sum(state.row_bytes(capacity=context) for state in states)


def peak_rss(bundle: Path, context: int, batch: int, threads: int) -> int:
    """Peak memory of a fresh process that does the same work."""
    command = [
        sys.executable,
        "-m",
        "rfa_bench.processes.memory_probe",
        str(bundle),
        str(context),
        str(batch),
        str(threads),
    ]
    return int(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def as_tables(rows: list[Row]) -> list[dict[str, object]]:
    """Plain rows for `--json`."""
    return [asdict(row) for row in rows]
