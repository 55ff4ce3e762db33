"""A probe of the training form: time and memory of forward and backward of one layer's attention at one length.

Letters: B one text, T tokens, H heads, M features, D values.
"""

from __future__ import annotations

import json
import statistics
import sys
import time

import torch

from rfa_models.attention.parallel.chunked import chunked
from rfa_runtime.memory import peak_rss_bytes

HEADS = 4
FEATURES = 64
VALUES = 33
REPEATS = 5
SHORT = 128
"""Tokens of a first pass, for libraries load and allocate on first use."""


def main() -> None:
    """Arguments: tokens, and 1 with a gate or 0 without."""
    length = int(sys.argv[1])
    gate = sys.argv[2] == "1"
    torch.set_num_threads(1)
    run(SHORT, gate)
    before = peak_rss_bytes()
    run(length, gate)
    memory = peak_rss_bytes() - before
    seconds = [run(length, gate) for _ in range(REPEATS)]
    print(json.dumps({"length": length, "seconds": statistics.median(seconds), "bytes": memory}))


def run(length: int, gate: bool) -> float:
    """Seconds of one forward and backward pass over random features [B, T, H, M] and values [B, T, H, D]."""
    rng = torch.Generator().manual_seed(0)
    phi_q = torch.rand(1, length, HEADS, FEATURES, generator=rng).requires_grad_()
    phi_k = torch.rand(1, length, HEADS, FEATURES, generator=rng).requires_grad_()
    v = torch.randn(1, length, HEADS, VALUES, generator=rng).requires_grad_()
    log_decay = -torch.rand(1, length, HEADS, generator=rng) if gate else None
    started = time.perf_counter()
    output, _ = chunked(phi_q, phi_k, v, log_decay)
    output.sum().backward()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
