"""A long decode: is token 20,000 as cheap as token 100, and is memory flat?"""

from __future__ import annotations

import itertools
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from rfa_runtime.memory import current_rss_bytes
from rfa_runtime.tasks.language import Decoder

WARM, EDGE = 100, 100
"""Tokens before memory counts, and tokens at each end whose speed is compared."""


@dataclass(frozen=True)
class Steady:
    """What a long decode showed."""

    tokens: int
    first_ms: float
    """Median time of the first steps after warming up."""
    last_ms: float
    """Median time of the last steps."""
    rss_after_warm_up: int
    rss_at_end: int
    rss_highest: int
    """Of samples every 100 tokens, after warming up."""


def measure(bundle: Path, tokens: int, threads: int | None) -> Steady:
    """Decode `tokens` tokens greedily and watch time and resident memory."""
    decoder = Decoder(bundle, threads=threads)
    seconds: list[float] = []
    memory: list[int] = []
    started = time.perf_counter()
    for count, _ in enumerate(itertools.islice(decoder.stream("The", max_new_tokens=tokens, ignore_eos=True), tokens)):
        now = time.perf_counter()
        if WARM <= count < WARM + EDGE or count >= tokens - EDGE:
            seconds.append(now - started)
        if count >= WARM and count % 100 == 0:
            memory.append(current_rss_bytes())
        started = time.perf_counter()
    return Steady(
        tokens,
        statistics.median(seconds[:EDGE]) * 1e3,
        statistics.median(seconds[EDGE:]) * 1e3,
        memory[0],
        memory[-1],
        max(memory),
    )
