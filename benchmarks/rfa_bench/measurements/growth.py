"""Time and memory of the training form against length: a sweep shows that both grow linearly.

Each length runs forward and backward in a process for itself, so that its peak memory is known.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rfa_bench.processes.ask import ask
from rfa_bench.tables import column, where

SHORTEST = 1024
SWEEPS = {"rfa": 0, "rfa-gate": 1}
"""Systems, and whether they have a gate."""
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 40), "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}
"""For glibc, which otherwise gives blocks above 32 MB back after each use: to fault their pages in again took longer
than the arithmetic, from 32,768 tokens on."""


@dataclass(frozen=True)
class GrowthRow:
    """Forward and backward of one layer's attention; the names are the contract of `rfa-bench growth --json`."""

    system: str
    context: int
    """Tokens of the text."""
    ms: float
    """Median of some repeats."""
    peak_bytes: int
    """Memory above that of the process before; on a GPU, of its own memory."""
    provider: str = "cpu"


def measure(longest: int, provider: str = "cpu") -> list[GrowthRow]:
    """Measure all lengths up to the longest, without and with a gate."""
    rows = []
    for name, gate in SWEEPS.items():
        for length in lengths_up_to(longest):
            found = ask("growth_probe", length, gate, provider, environment=KEEP_MEMORY)
            rows.append(GrowthRow(name, length, found["seconds"] * 1e3, found["bytes"], provider))
    return rows


def lengths_up_to(longest: int) -> list[int]:
    """1,024 and its doubles."""
    lengths = [SHORTEST]
    while lengths[-1] * 2 <= longest:
        lengths.append(lengths[-1] * 2)
    return lengths


def exponent(rows: Sequence[GrowthRow], system: str, figure: str) -> float:
    """The slope in logarithmic axes over the longer half of a system's lengths: 1 is linear, 2 is quadratic."""
    mine = where(rows, system=system)
    tail = mine[len(mine) // 2 - 1 :]
    lengths = list(map(math.log, column(tail, "context")))
    values = list(map(math.log, column(tail, figure)))
    return statistics.linear_regression(lengths, values).slope
