"""A probe that reads a context, decodes a few tokens, and prints the most memory that it held, as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from rfa_bench.processes.device_memory import growth, used_bytes
from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.memory import peak_rss_bytes
from rfa_runtime.session.step import StepSession

STEPS = 16
CHUNK = 512


def main() -> None:
    """Arguments: bundle, provider, context, batch, threads."""
    bundle = Path(sys.argv[1])
    provider = sys.argv[2]
    context, batch, threads = map(int, sys.argv[3:6])
    before = used_bytes(provider)
    session = StepSession(read_bundle(bundle), threads=threads, provider=provider)
    state = session.new_state(batch, capacity=context + STEPS)
    for start in range(0, context, CHUNK):
        session.step(np.ones((batch, min(CHUNK, context - start)), dtype=np.int64), state)
    for _ in range(STEPS):
        session.step(np.ones((batch, 1), dtype=np.int64), state)
    print(json.dumps({"peak_rss_bytes": peak_rss_bytes(), "device_bytes": growth(before, provider)}))


if __name__ == "__main__":
    main()
