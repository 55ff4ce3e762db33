"""Time and memory of the training form against length: a sweep shows that both grow linearly.

Each length runs forward and backward in a process for itself, so that its peak memory is known.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

from rfa_bench.processes.ask import ask
from rfa_bench.tables import column

SHORTEST = 1024
SWEEPS = {"no gate": 0, "gate": 1}
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 40), "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}
"""For glibc, which otherwise gives blocks above 32 MB back after each use: to fault their pages in again took longer
than the arithmetic, from 32,768 tokens on."""


@dataclass(frozen=True)
class Growth:
    """Forward and backward of one layer's attention at one length."""

    length: int
    seconds: float
    """Median of some repeats."""
    bytes: int
    """Peak memory above that of the process before; on a GPU, of its own memory."""
    provider: str = "cpu"


def measure(longest: int, provider: str = "cpu") -> dict[str, list[Growth]]:
    """Measure all lengths up to the longest, without and with a gate."""
    sweeps: dict[str, list[Growth]] = {}
    for name, gate in SWEEPS.items():
        sweeps[name] = []
        for length in lengths_up_to(longest):
            found = ask("growth_probe", length, gate, provider, environment=KEEP_MEMORY)
            sweeps[name].append(Growth(**found, provider=provider))
    return sweeps


def lengths_up_to(longest: int) -> list[int]:
    """1,024 and its doubles."""
    lengths = [SHORTEST]
    while lengths[-1] * 2 <= longest:
        lengths.append(lengths[-1] * 2)
    return lengths


def exponent(rows: list[Growth], figure: str) -> float:
    """The slope in logarithmic axes over the longer half of the sweep: 1 is linear, 2 is quadratic."""
    tail = rows[len(rows) // 2 - 1 :]
    lengths = list(map(math.log, column(tail, "length")))
    values = list(map(math.log, column(tail, figure)))
    return statistics.linear_regression(lengths, values).slope
