"""A probe that reads one prompt some times, up to the first new token: median time, and memory at the peak."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path

import numpy as np

from rfa_runtime.memory import peak_rss_bytes
from rfa_runtime.tasks.language import Decoder

SHORT = 16
"""Tokens of a first prompt, for libraries load and allocate on first use."""
ENOUGH_SECONDS = 60.0
"""After which no further round begins."""


def main() -> None:
    """Arguments: bundle, provider, tokens, threads, rounds."""
    bundle = Path(sys.argv[1])
    provider = sys.argv[2]
    tokens, threads, rounds = map(int, sys.argv[3:6])
    decoder = Decoder(bundle, threads, provider)
    ids = np.random.default_rng(0).integers(0, decoder.session.vocab_size, tokens).tolist()
    decoder.generate(ids[:SHORT], max_new_tokens=1)
    seconds: list[float] = []
    while len(seconds) < rounds and sum(seconds) < ENOUGH_SECONDS:
        found = decoder.generate(ids, max_new_tokens=1)
        assert found.prompt_tokens == tokens, "every token is read"
        seconds.append(found.ttft_s)
    figures = {"ttft_s": statistics.median(seconds), "state_bytes": found.state_bytes}
    print(json.dumps(figures | {"peak_rss_bytes": peak_rss_bytes()}))


if __name__ == "__main__":
    main()
