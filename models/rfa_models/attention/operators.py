"""The seam: attention layers ask here for their operator, so that an exporter can put its own in that place.

Training and decoding in torch use the plain functions.  While tracing, `using(...)` swaps in symbolic operators of the
same signatures, and every module built from our layers becomes exportable without knowing it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from torch import Tensor

from rfa_models.attention.linear_attention import State, accumulate, linear_attention
from rfa_models.attention.random_matrices import random_projection
from rfa_models.attention.recent import recent
from rfa_models.attention.rotary import Rotation, rotate
from rfa_models.attention.softmax import softmax_attention, softmax_read, softmax_self
from rfa_models.attention.summary import read_summary, summarize
from rfa_models.attention.window.exact import window_attention


@dataclass(frozen=True)
class Operators:
    """One implementation of each operator.  Signatures are those of the defaults."""

    recent: Callable[..., tuple[Tensor, Tensor]] = recent
    rotate: Callable[[Tensor, Rotation, int], Tensor] = rotate
    random_projection: Callable[[Tensor, Tensor], Tensor] = random_projection
    linear_attention: Callable[..., tuple[Tensor, Tensor, State]] = linear_attention
    window_attention: Callable[..., tuple[Tensor, Tensor]] = window_attention
    accumulate: Callable[..., tuple[Tensor, Tensor]] = accumulate
    softmax_attention: Callable[..., tuple[Tensor, tuple[Tensor, Tensor]]] = softmax_attention
    summarize: Callable[[Tensor, Tensor], Tensor] = summarize
    read_summary: Callable[[Tensor, Tensor], Tensor] = read_summary
    softmax_read: Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor] = softmax_read
    softmax_self: Callable[..., Tensor] = softmax_self


IN_TORCH = Operators()
_current: ContextVar[Operators] = ContextVar("operators", default=IN_TORCH)


def current() -> Operators:
    """The operators in force."""
    return _current.get()


@contextmanager
def using(operators: Operators) -> Iterator[None]:
    """Put other operators in place for the duration of a `with` block."""
    token = _current.set(operators)
    try:
        yield
    finally:
        _current.reset(token)
