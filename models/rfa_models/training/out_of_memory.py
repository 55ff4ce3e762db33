"""When there is not enough memory: torch says so in several ways, people get one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rfa_models.errors import ConfigError
from rfa_models.wording import one_line

SIGNS = ("can't allocate memory", "calculation overflowed", "out of memory")
"""What torch writes when an allocation fails on the CPU, is larger than 64 bits can count, or fails on a GPU."""


@contextmanager
def memory_for(what: str, advice: str) -> Iterator[None]:
    """Turn a failed allocation inside the block into a ConfigError with advice; other errors pass."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, RuntimeError) and not any(sign in str(error) for sign in SIGNS):
            raise
        raise ConfigError(f"not enough memory for {what} ({one_line(error)}): {advice}") from error
