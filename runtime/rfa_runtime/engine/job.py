"""One text that somebody asked for, from the wait for a place to its last piece."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from rfa_runtime.decoding.continuation import Continuation
from rfa_runtime.decoding.generation import Piece
from rfa_runtime.session.state import State

CANCELLED = "cancelled"
"""The finish reason of a text that nobody wants any more."""


class Stage(Enum):
    """Where a job is."""

    NEW = "new"
    """The engine has not heard of it."""
    WAITING = "waiting"
    READING = "reading"
    """Its prompt."""
    WRITING = "writing"
    OVER = "over"


@dataclass(eq=False)
class Job:
    """What the engine knows of a text."""

    ids: list[int]
    """Of the prompt."""
    text: Continuation
    give: Callable[[Piece | BaseException], None]
    """Called with each piece, and with the error that ends the text."""
    stage: Stage = Stage.NEW
    state: State | None = None
    """While the prompt is read; a row of the slots has it afterwards."""
    read: int = 0
    """Tokens of the prompt that were read."""
    cached: int = 0
    """Of these, tokens that a state was found for."""
    row: int = -1
    """While it is written."""
    token: int = -1
    """The last one that was chosen, which the next step reads."""
    cancelled: bool = False
    arrived: float = field(default_factory=time.perf_counter)

    @property
    def unread(self) -> int:
        """Tokens of the prompt that are to be read."""
        return len(self.ids) - self.read
