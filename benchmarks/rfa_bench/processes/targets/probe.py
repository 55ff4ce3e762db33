"""What every probe of a target does: load, decode in bursts, print load time, ms per token and peak memory.

The others of this folder, one for each runtime, load a target and give its step.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable

from rfa_runtime.bundle.bundle import Bundle, read_bundle
from rfa_runtime.memory import peak_rss_bytes

BURST = 8
WARM_UP = 4
Step = Callable[[int], object]
"""Reads one token."""


def measure(runtime: str, load: Callable[[Bundle, str, int, str], Step]) -> None:
    """Measure a runtime and print the figures.  Arguments of the process: bundle, target, threads, bursts, provider.

    runtime: its name for the table.  load: takes a bundle, a target, threads and a provider, and gives a step from an
    empty state.
    """
    bundle = read_bundle(sys.argv[1])
    target = sys.argv[2]
    threads, bursts = map(int, sys.argv[3:5])
    provider = sys.argv[5]
    started = time.perf_counter()
    step = load(bundle, target, threads, provider)
    loaded = time.perf_counter() - started
    for token in range(WARM_UP):
        step(token)
    times = [burst_ms(step) for _ in range(bursts)]
    found = {"runtime": runtime, "load_ms": loaded * 1e3, "ms_per_token": statistics.median(times)}
    print(json.dumps(found | {"peak_rss_bytes": peak_rss_bytes()}))


def burst_ms(step: Step) -> float:
    """Milliseconds per token of a few steps."""
    started = time.perf_counter()
    for token in range(BURST):
        step(token)
    return (time.perf_counter() - started) / BURST * 1e3
