"""A probe that scores one text some times, as `rfa-run --score` does: median speed, and memory at the peak.

Every score loads the graph.  A text of two tokens is scored first, and its time is taken off.
"""

from __future__ import annotations

import json
import random
import statistics
import string
import sys
import time
from pathlib import Path

from rfa_runtime.bundle.bundle import Bundle, read_bundle
from rfa_runtime.memory import peak_rss_bytes
from rfa_runtime.tasks.perplexity import score_text

SHORTEST = "a b"
"""Two tokens at least, whatever the tokenizer."""
ENOUGH_SECONDS = 60.0
"""After which no further round begins."""


def main() -> None:
    """Arguments: bundle, provider, bytes of text, threads, rounds."""
    bundle = read_bundle(Path(sys.argv[1]))
    provider = sys.argv[2]
    length, threads, rounds = map(int, sys.argv[3:6])
    text = "".join(random.Random(0).choices(string.ascii_lowercase + " ", k=length))
    score_seconds(bundle, SHORTEST, threads, provider)  # libraries load and allocate on first use
    seconds: list[float] = []
    while len(seconds) < rounds and sum(seconds) < ENOUGH_SECONDS:
        loading, _ = score_seconds(bundle, SHORTEST, threads, provider)
        whole, tokens = score_seconds(bundle, text, threads, provider)
        seconds.append(whole - loading)
    figures = {"tokens": tokens, "tokens_per_s": tokens / statistics.median(seconds)}
    print(json.dumps(figures | {"peak_rss_bytes": peak_rss_bytes()}))


def score_seconds(bundle: Bundle, text: str, threads: int, provider: str) -> tuple[float, int]:
    """Seconds of scoring a text, and the tokens that were predicted."""
    started = time.perf_counter()
    tokens = score_text(bundle, text, threads=threads, provider=provider).tokens
    return time.perf_counter() - started, tokens


if __name__ == "__main__":
    main()
