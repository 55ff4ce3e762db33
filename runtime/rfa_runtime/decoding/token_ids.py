"""Token ids that a caller gave: a list, a tuple, or an array of numpy or torch."""

from __future__ import annotations

import operator
from typing import Any

from rfa_runtime.errors import PromptError

WANTED = "wanted text, or token ids in a list or an array of one dimension"
BYTES = (bytes, bytearray, memoryview)


def token_ids(given: Any, what: str = "the prompt") -> list[int]:
    """Return token ids as Python's own numbers.  what: the thing that is given, for a message.

    Raises PromptError for what is no sequence of whole numbers: bytes, and numbers with a fraction or of truth.
    """
    if isinstance(given, BYTES):
        raise PromptError(f"{what} is {type(given).__name__}, {WANTED}: decode it first")
    if getattr(given, "ndim", 1) != 1:
        raise PromptError(f"{what} is an array of {given.ndim} dimensions, {WANTED}; several go to a batch")
    try:
        items = given.tolist() if hasattr(given, "tolist") else list(given)
    except TypeError as error:
        raise PromptError(f"{what} is {type(given).__name__}, {WANTED}") from error
    return [token_id(item, what) for item in items]


def token_id(item: Any, what: str) -> int:
    """One of them."""
    if isinstance(item, bool):
        raise PromptError(f"{what} has {item!r} among its token ids, wanted whole numbers")
    try:
        return operator.index(item)
    except TypeError as error:
        raise PromptError(f"{what} has {item!r} among its token ids, wanted whole numbers") from error
