"""A probe that classifies one text some times: median time, and memory before and at the peak."""

from __future__ import annotations

import json
import os
import random
import resource
import statistics
import string
import sys
import time
from pathlib import Path

from rfa_bench.processes.ask import DID_NOT_FIT
from rfa_bench.processes.device_memory import growth, used_bytes
from rfa_runtime.errors import SessionError
from rfa_runtime.memory import peak_rss_bytes
from rfa_runtime.tasks.classification import Classifier

SHORT = 128
"""Characters of a first text, for libraries load and allocate on first use."""
ENOUGH_SECONDS = 30.0
"""After which no further round begins."""
ALLOCATION_FAILED = ("bad_alloc", "BFCArena::AllocateRawInternal")
"""What ONNX Runtime says."""


def main() -> None:
    """Arguments: bundle, provider, bytes of text, threads, rounds."""
    bundle = Path(sys.argv[1])
    provider = sys.argv[2]
    length, threads, rounds = map(int, sys.argv[3:6])
    if provider == "cpu":  # CUDA takes addresses for all memory of the machine, and more
        limit_memory()
    device_before = used_bytes(provider)
    text = "".join(random.Random(0).choices(string.ascii_lowercase + " ", k=length))
    classifier = Classifier(bundle, threads=threads, provider=provider)
    classifier.classify(text[:SHORT])
    before = peak_rss_bytes()
    try:
        seconds = time_calls(classifier, text, rounds)
    except SessionError as error:
        if any(words in str(error) for words in ALLOCATION_FAILED):
            sys.exit(DID_NOT_FIT)
        raise
    peak = peak_rss_bytes()
    device = growth(device_before, provider)
    found = {"ms": statistics.median(seconds) * 1e3, "peak_rss_bytes": peak, "call_bytes": peak - before}
    print(json.dumps(found | {"device_bytes": device}))


def limit_memory() -> None:
    """Let an allocation that the machine cannot hold fail, instead of having the kernel end some process."""
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (there, resource.RLIM_INFINITY))


def time_calls(classifier: Classifier, text: str, rounds: int) -> list[float]:
    """Seconds of each call: as many as asked for, or fewer where they are slow."""
    seconds: list[float] = []
    while len(seconds) < rounds and sum(seconds) < ENOUGH_SECONDS:
        started = time.perf_counter()
        read = classifier.classify(text).tokens
        seconds.append(time.perf_counter() - started)
        assert read == len(text), "a token for each byte"
    return seconds


if __name__ == "__main__":
    main()
