"""What a process does that decodes with one target: load time, ms per token and peak memory, printed as JSON.

Each runtime has a process of its own kind, `probe_*.py`, so that memory is the runtime's own.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable

from rfa_runtime.bundle.bundle import Bundle, read_bundle
from rfa_runtime.memory import peak_rss_bytes

BURST, WARM_UP = 8, 4
Step = Callable[[int], object]
"""Reads one token."""


def measure(runtime: str, load: Callable[[Bundle, str, int], Step]) -> None:
    """Arguments of the process: bundle, target, threads, bursts.  load: of a bundle, a target and threads."""
    bundle, target = read_bundle(sys.argv[1]), sys.argv[2]
    threads, bursts = map(int, sys.argv[3:5])
    started = time.perf_counter()
    step = load(bundle, target, threads)
    loaded = time.perf_counter() - started
    for token in range(WARM_UP):
        step(token)
    times = [burst(step) for _ in range(bursts)]
    found = {"runtime": runtime, "load_ms": loaded * 1e3, "ms_per_token": statistics.median(times)}
    print(json.dumps(found | {"peak_rss_bytes": peak_rss_bytes()}))


def burst(step: Step) -> float:
    """Milliseconds per token of a few steps."""
    started = time.perf_counter()
    for token in range(BURST):
        step(token)
    return (time.perf_counter() - started) / BURST * 1e3
