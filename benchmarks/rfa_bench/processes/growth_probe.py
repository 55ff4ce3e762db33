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
    """Arguments: tokens, 1 with a gate or 0 without, provider."""
    length = int(sys.argv[1])
    gate = sys.argv[2] == "1"
    device = torch.device(sys.argv[3])
    torch.set_num_threads(1)
    run(SHORT, gate, device)
    before = peak_bytes(device)
    run(length, gate, device)
    memory = peak_bytes(device) - before
    seconds = [run(length, gate, device) for _ in range(REPEATS)]
    print(json.dumps({"length": length, "seconds": statistics.median(seconds), "bytes": memory}))


def peak_bytes(device: torch.device) -> int:
    """The most memory so far: of this process, or of its tensors on a GPU."""
    return torch.cuda.max_memory_allocated() if device.type == "cuda" else peak_rss_bytes()


def run(length: int, gate: bool, device: torch.device) -> float:
    """Seconds of one forward and backward pass over random features [B, T, H, M] and values [B, T, H, D]."""
    rng = torch.Generator().manual_seed(0)
    phi_q = torch.rand(1, length, HEADS, FEATURES, generator=rng).to(device).requires_grad_()
    phi_k = torch.rand(1, length, HEADS, FEATURES, generator=rng).to(device).requires_grad_()
    v = torch.randn(1, length, HEADS, VALUES, generator=rng).to(device).requires_grad_()
    log_decay = -torch.rand(1, length, HEADS, generator=rng).to(device) if gate else None
    finish(device)
    started = time.perf_counter()
    output, _ = chunked(phi_q, phi_k, v, log_decay)
    output.sum().backward()
    finish(device)
    return time.perf_counter() - started


def finish(device: torch.device) -> None:
    """Wait until a GPU has done what it was told; a processor has."""
    if device.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
