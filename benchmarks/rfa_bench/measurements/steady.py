"""A long decode: is token 20,000 as cheap as token 100, and does memory stay as it is?"""

from __future__ import annotations

import itertools
import statistics
import time
from dataclasses import dataclass

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.memory import current_rss_bytes
from rfa_runtime.tasks.language import Decoder

WARM = 100
"""Tokens before time and memory count."""
EDGE = 100
"""Tokens at each end whose speed is compared."""
SAMPLE = 100
"""Tokens between two looks at memory."""


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
    provider: str = "cpu"


def measure(bundle: Bundle, tokens: int, threads: int | None, provider: str = "cpu") -> Steady:
    """Decode this many tokens greedily, and watch time and resident memory."""
    decoder = Decoder(bundle, threads=threads, provider=provider)
    pieces = itertools.islice(decoder.stream("The", max_new_tokens=tokens, ignore_eos=True), tokens)
    seconds: list[float] = []
    memory: list[int] = []
    started = time.perf_counter()
    for count, _ in enumerate(pieces):
        now = time.perf_counter()
        if WARM <= count < WARM + EDGE or count >= tokens - EDGE:
            seconds.append(now - started)
        if count >= WARM and count % SAMPLE == 0:
            memory.append(current_rss_bytes())
        started = time.perf_counter()
    return Steady(
        tokens=tokens,
        first_ms=statistics.median(seconds[:EDGE]) * 1e3,
        last_ms=statistics.median(seconds[EDGE:]) * 1e3,
        rss_after_warm_up=memory[0],
        rss_at_end=memory[-1],
        rss_highest=max(memory),
        provider=provider,
    )
