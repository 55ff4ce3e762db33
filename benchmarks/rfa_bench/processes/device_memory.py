"""What a GPU holds, as its driver says."""

from __future__ import annotations

from rfa_bench.machine import ask_driver

MEBIBYTE = 1 << 20
"""The unit of the driver's answer."""


def used_bytes(provider: str) -> int | None:
    """Bytes that all processes hold on the first GPU; None for the processor, and where nobody can say."""
    if provider == "cpu":
        return None
    said = ask_driver("memory.used")
    return int(said[0]) * MEBIBYTE if said else None


def growth(before: int | None, provider: str) -> int | None:
    """Bytes that the GPU holds more than before; None where nobody can say."""
    now = used_bytes(provider)
    return None if before is None or now is None else now - before
