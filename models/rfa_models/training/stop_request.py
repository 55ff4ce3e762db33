"""Ctrl-C and `kill` that wait for a good moment."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType
from typing import Any

SAME_REQUEST = 1.0
"""Seconds in which signals are one request: a launcher hands on what the terminal has already sent."""


class StopRequest:
    """Makes of Ctrl-C and `kill` a request that the loop obeys after the step in hand; a second one stops at once.

    Signals reach the main thread only: in another one, nothing changes.
    """

    def __init__(self) -> None:
        self.requested = False
        self.since = 0.0
        """When it was requested, by the monotonic clock."""
        self.previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self.previous[number] = signal.signal(number, self.request)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.previous.items():
            signal.signal(number, handler)

    def request(self, number: int, frame: FrameType | None) -> None:
        """The signal handler."""
        now = time.monotonic()
        if self.requested and now > self.since + SAME_REQUEST:
            raise KeyboardInterrupt
        if not self.requested:
            self.since = now
        self.requested = True
