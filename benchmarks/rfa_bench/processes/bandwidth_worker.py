"""A worker that reads memory as fast as it can, and says how fast that was when it is asked.

It holds buffers of some sizes.  A line `place count` is answered by the bytes per second of the fastest of so many
readings of the buffer in that place.

Reading is numpy's maximum of float32 numbers over parts of the buffer, a part for each thread: it allocates nothing,
and takes 67 GB/s from a buffer that lies in a core's own cache, where memory gives 5 to 12.  So memory is what it
measures.  Each thread goes over its part several times, so that starting threads costs nothing that can be seen.
"""

from __future__ import annotations

import sys
import threading
import time

import numpy as np

READ_AT_LEAST = 256_000_000
"""Bytes of one reading, in as many passes as that takes."""


def main() -> None:
    """Arguments: threads, sizes of the buffers in bytes."""
    threads, *sizes = map(int, sys.argv[1:])
    buffers = []
    for size in sizes:
        buffers.append(np.ones(max(threads, size // 4), np.float32))  # ones, not zeros: all pages are there
    print("ready", flush=True)
    for line in sys.stdin:
        place, count = map(int, line.split())
        buffer = buffers[place]
        read_once(buffer, threads)  # what the processor's caches can hold of it is there now
        fastest = 0.0
        for _ in range(count):
            fastest = max(fastest, read_once(buffer, threads))
        print(fastest, flush=True)


def read_once(buffer: np.ndarray, threads: int) -> float:
    """Bytes per second of one reading.  buffer: float32 [n]."""
    passes = max(1, READ_AT_LEAST // buffer.nbytes)
    parts = np.array_split(buffer, threads)
    others = [threading.Thread(target=read_part, args=(part, passes)) for part in parts[1:]]
    started = time.perf_counter()
    for thread in others:
        thread.start()
    read_part(parts[0], passes)
    for thread in others:
        thread.join()
    return buffer.nbytes * passes / (time.perf_counter() - started)


def read_part(part: np.ndarray, passes: int) -> None:
    """Read every number of a part some times."""
    for _ in range(passes):
        np.maximum.reduce(part)


if __name__ == "__main__":
    main()
