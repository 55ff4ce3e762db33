"""Time and memory of the training form against length: proof that both grow linearly, by a sweep.

Each length runs forward and backward in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from matplotlib.figure import Figure

from rfa_models.attention.linear_attention import chunked
from rfa_runtime.memory import peak_rss_bytes

HEADS, FEATURES, VALUES = 4, 64, 33
REPEATS = 5
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
    """Peak memory above that of the process before."""


def measure(lengths: list[int], gate: bool) -> list[Growth]:
    """Measure each length in a process of its own."""
    rows = []
    for length in lengths:
        command = [sys.executable, "-m", "rfa_bench.commands.growth", str(length), str(int(gate))]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | KEEP_MEMORY)
        rows.append(Growth(**json.loads(done.stdout)))
    return rows


def probe(length: int, gate: bool) -> Growth:
    """The measurement itself, for a fresh process."""
    torch.set_num_threads(1)
    run(128, gate)  # libraries load and allocate on first use
    before = peak_rss_bytes()
    run(length, gate)
    memory = peak_rss_bytes() - before
    return Growth(length, statistics.median(run(length, gate) for _ in range(REPEATS)), memory)


def run(length: int, gate: bool) -> float:
    """Seconds of one forward and backward pass over random features."""
    rng = torch.Generator().manual_seed(0)
    phi_q, phi_k = (torch.rand(1, length, HEADS, FEATURES, generator=rng).requires_grad_() for _ in range(2))
    v = torch.randn(1, length, HEADS, VALUES, generator=rng).requires_grad_()
    log_decay = -torch.rand(1, length, HEADS, generator=rng) if gate else None
    started = time.perf_counter()
    output, _ = chunked(phi_q, phi_k, v, log_decay)
    output.sum().backward()
    return time.perf_counter() - started


def exponent(rows: list[Growth], what: str) -> float:
    """The slope in log-log axes over the longer half of the sweep: 1 is linear, 2 is quadratic."""
    tail = rows[len(rows) // 2 - 1 :]
    x = torch.tensor([row.length for row in tail], dtype=torch.float64).log()
    y = torch.tensor([float(getattr(row, what)) for row in tail], dtype=torch.float64).log()
    return float(((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum())


def plot(rows: dict[str, list[Growth]], file: Path) -> None:
    """Time and memory against length in logarithmic axes, beside a line of slope one."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    for panel, what, unit in zip(figure.subplots(1, 2), ("seconds", "bytes"), (1.0, 1e6), strict=True):
        for name, sweep in rows.items():
            label = f"{name}, slope {exponent(sweep, what):.2f}"
            panel.plot([r.length for r in sweep], [getattr(r, what) / unit for r in sweep], marker="o", label=label)
        first = next(iter(rows.values()))
        line = [getattr(first[-1], what) / unit * row.length / first[-1].length for row in first]
        panel.plot([row.length for row in first], line, "k:", label="slope 1")
        panel.set(xscale="log", yscale="log", xlabel="tokens", ylabel="s" if unit == 1.0 else "MB")
        panel.set_title({"seconds": "forward and backward", "bytes": "peak memory"}[what])
        panel.legend(frameon=False)
        panel.grid(alpha=0.3)
    figure.savefig(file, dpi=120)


if __name__ == "__main__":
    print(json.dumps(asdict(probe(int(sys.argv[1]), bool(int(sys.argv[2]))))))
