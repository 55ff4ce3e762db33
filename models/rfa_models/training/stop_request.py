"""Ctrl-C and `kill` that wait for a good moment."""

from __future__ import annotations

import signal
from types import FrameType


class StopRequest:
    """Makes of Ctrl-C and `kill` a request that the loop obeys after the step in hand; a second one stops at once."""

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> StopRequest:
        self.previous = {name: signal.signal(name, self.request) for name in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for name, handler in self.previous.items():
            signal.signal(name, handler)

    def request(self, number: int, frame: FrameType | None) -> None:
        """The signal handler."""
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
