"""One text that somebody asked for, from the wait for a place to its last piece."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum

from rfa_runtime.decoding.continuation import Continuation
from rfa_runtime.decoding.generation import Piece
from rfa_runtime.decoding.past import Past
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
    past: Past | None = None
    """What was read before the prompt; the state is copied, and the prefix cache not asked."""
    keeps_end: bool = False
    """Whether another text is to go on where this one ends."""
    end: Past | None = None
    """Where it ended, if it is to be kept."""
    last: Piece | None = None
    """The last piece, until the end has read it."""
    boundaries: tuple[int, ...] = ()
    """Tokens of the prompt after which a message ends: others may begin with the same ones."""
    keep: list[int] = field(default_factory=list)
    """Tokens of the prompt after which the state is kept."""
    forks: list[Job] = field(default_factory=list)
    """Jobs with the same prompt, which begin when it is read."""
    follows: bool = False
    """Whether it is such a job, and still waits for that."""
    written: array[int] = field(default_factory=lambda: array("l"))
    """Tokens that were chosen, where somebody may ask for them."""
    read: int = 0
    """Tokens of the prompt that were read."""
    cached: int = 0
    """Of these, tokens that a state was found for."""
    row: int = -1
    """While it is written."""
    token: int = -1
    """The last one that was chosen, which the next step reads."""
    cancelled: bool = False
    failed: bool = False
    """Whether an error ended it."""
    arrived: float = field(default_factory=time.perf_counter)

    @property
    def unread(self) -> int:
        """Tokens of the prompt that are to be read."""
        return len(self.ids) - self.read

    def keep_at(self, places: Iterable[int]) -> None:
        """Keep the state at these places that are still to come, and end a chunk at each."""
        self.keep = sorted(place for place in set(places) if self.read < place <= len(self.ids))

    def kept_next(self) -> int:
        """The next of these places; the end of the prompt where there is none."""
        return self.keep[0] if self.keep else len(self.ids)
