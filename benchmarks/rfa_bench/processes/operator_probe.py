"""A probe that says where the time of one call of a step graph goes, by operator.

The graph is loaded and called by the runtime itself, as a decoder does: whichever graph it takes for so many tokens is
the one that is measured.
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from rfa_bench.subjects.profiles import read_profiles
from rfa_runtime.bundle.bundle import Bundle, read_bundle
from rfa_runtime.session.ort import PROFILES
from rfa_runtime.tasks.language import Decoder

WARM_UP = 3
"""Calls before any counts: the first builds the binding and plans memory."""


def main() -> None:
    """Arguments: bundle, provider, tokens, batch, threads, calls, and 1 to tell an operator's shapes apart or 0."""
    bundle = read_bundle(sys.argv[1])
    provider = sys.argv[2]
    tokens, batch, threads, calls, by_shape = map(int, sys.argv[3:8])
    plain = timed_calls(bundle, provider, tokens, batch, threads, calls)
    with tempfile.TemporaryDirectory() as temporary, profiles_in(Path(temporary)) as folder:
        timed_calls(bundle, provider, tokens, batch, threads, calls)
        gc.collect()  # a session writes its file when it goes
        found = read_profiles(folder, calls, WARM_UP, bool(by_shape))
    print(json.dumps(found | {"call_ms": statistics.median(plain) * 1e3}))


@contextmanager
def profiles_in(folder: Path) -> Iterator[Path]:
    """Let sessions that are loaded in the block write their profiles to a folder."""
    outside = PROFILES.set(folder)
    yield folder
    PROFILES.reset(outside)


def timed_calls(bundle: Bundle, provider: str, tokens: int, batch: int, threads: int, calls: int) -> list[float]:
    """Seconds of each of some calls that read this many tokens of each row, the first calls left out."""
    session = Decoder(bundle, threads, provider).session
    state = session.new_state(batch)
    rng = np.random.default_rng(0)
    seconds = []
    for _ in range(WARM_UP + calls):
        ids = rng.integers(0, session.vocab_size, (batch, tokens))
        started = time.perf_counter()
        if ids.size == 1:
            session.step_token(ids.item(), state)
        else:
            session.step(ids, state)
        seconds.append(time.perf_counter() - started)
    return seconds[WARM_UP:]


if __name__ == "__main__":
    main()
