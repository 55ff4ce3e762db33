"""How fast prompts are read, as the runtime reads them.

Arguments: bundle, provider, lengths.
"""

from __future__ import annotations

import json
import statistics
import sys
import time

import numpy as np

from rfa_bench.processes.device_memory import growth, used_bytes
from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.decoding.prompt import read_in_chunks
from rfa_runtime.session.step import StepSession

REPEATS = 5


def main() -> None:
    """The first reading of each length only warms up."""
    provider = sys.argv[2]
    before = used_bytes(provider)
    session = StepSession(read_bundle(sys.argv[1]), provider=provider)
    rows = []
    for length in map(int, sys.argv[3:]):
        ids = np.random.default_rng(0).integers(0, session.vocab_size, length).tolist()
        read_seconds(session, ids)
        seconds = statistics.median(read_seconds(session, ids) for _ in range(REPEATS))
        row = {"tokens": length, "ms": seconds * 1e3, "tokens_per_s": length / seconds}
        rows.append(row | {"device_bytes": growth(before, provider)})
    print(json.dumps({"rows": rows}))


def read_seconds(session: StepSession, ids: list[int]) -> float:
    """Seconds until the logits after the last token are there."""
    state = session.new_state(capacity=len(ids))
    started = time.perf_counter()
    read_in_chunks(session, ids, state)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
