"""Lines of a pipe in batches that wait for nobody: who writes one line and waits gets its answer."""

from __future__ import annotations

from collections.abc import Iterator
from io import BufferedIOBase

from rfa_runtime.line_files.answers import in_batches
from rfa_runtime.line_files.text import Line, read_lines

ROOM = 1 << 16
"""Bytes that are taken at once: what a pipe holds on Linux."""


def arriving_lines(stream: BufferedIOBase, name: str, size: int) -> Iterator[list[Line]]:
    """Yield the lines of a stream as they come, up to `size` together.  name: of the stream, for people."""
    done = 0
    for some in arriving(stream, size):
        yield list(read_lines(some, name, first=done + 1))
        done += len(some)


def arriving(stream: BufferedIOBase, size: int) -> Iterator[list[bytes]]:
    """Yield whole lines without their ends.  A last line needs no end."""
    begun: list[bytes] = []
    while data := stream.read1(ROOM):
        *whole, rest = data.split(b"\n")
        if whole:
            whole[0] = b"".join([*begun, whole[0]])
            begun = []
            yield from in_batches(whole, size)
        begun.append(rest)
    last = b"".join(begun)
    if last:
        yield [last]
