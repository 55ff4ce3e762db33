"""Memory figures, in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from toy_bundles import environment

from rfa_runtime.decoding import generation
from rfa_runtime.decoding.generation import Clock
from rfa_runtime.decoding.written import Written

MB = 1_000_000
CODE = """
import json, mmap
from rfa_runtime.memory import current_rss_bytes, peak_rss_bytes
figures = [peak_rss_bytes()]
reserved = mmap.mmap(-1, 1 << 30)
figures.append(peak_rss_bytes())
used = bytearray(b"x") * 80_000_000
figures += [peak_rss_bytes(), current_rss_bytes()]
del used
figures += [peak_rss_bytes(), current_rss_bytes()]
print(json.dumps(figures))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems tell less")
def test_the_peak_counts_what_was_used_by_this_program_alone() -> None:
    ballast = np.ones(200 * MB, np.uint8)  # of this process, not of the one that it starts
    found = subprocess.run([sys.executable, "-c", CODE], capture_output=True, env=environment(), check=True)
    assert ballast[-1] == 1
    start, reserved, used, current, peak_after, current_after = json.loads(found.stdout)
    assert MB < start < 100 * MB
    assert reserved - start < 10 * MB, "memory that was never touched is not resident"
    assert used - start > 75 * MB
    assert current - start > 75 * MB
    assert peak_after > used - MB, "Linux counts in batches of pages"
    assert current_after - start < 10 * MB


def test_speed_is_that_of_the_tokens_after_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([10.0, 13.0, 13.5, 14.0, 15.0])
    monkeypatch.setattr(generation.time, "perf_counter", lambda: next(times))
    clock = Clock()
    written = Written()
    for token, reason in ((1, None), (2, None), (3, None), (4, "length")):
        clock.tick()
        written.add(token, "x", reason)
    found = clock.generation(written, prompt_tokens=7, state_bytes=5)
    assert (found.ttft_s, found.tokens_per_s) == (3.0, 1.5)
    assert (found.token_ids, found.text, found.finish_reason) == ([1, 2, 3, 4], "xxxx", "length")
