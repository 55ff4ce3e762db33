"""A probe that times steps of the common softmax export at one context, and prints them with its memory, as JSON."""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

from rfa_bench.subjects.concatenated import ConcatenatedSteps
from rfa_runtime.memory import peak_rss_bytes

WARM_UP = 2


def main() -> None:
    """Arguments: graph, threads, batch, context, steps."""
    graph = Path(sys.argv[1])
    threads, batch, context, steps = map(int, sys.argv[2:])
    session = ConcatenatedSteps(graph, threads, batch, context)
    seconds = []
    for number in range(WARM_UP + steps):
        started = time.perf_counter()
        session.step()
        if number >= WARM_UP:
            seconds.append(time.perf_counter() - started)
    print(json.dumps({"ms_per_token": statistics.median(seconds) * 1e3, "peak_rss_bytes": peak_rss_bytes()}))


if __name__ == "__main__":
    main()
