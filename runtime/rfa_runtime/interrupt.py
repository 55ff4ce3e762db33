"""Ctrl-C while heavy modules load: one line at most, and the exit code that shells expect.

torch takes seconds to load.  An import that is interrupted in its middle ends in a long traceback, or goes on as if
nothing had happened where the code of an extension catches the interrupt.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130
"""128 and the number of the signal, as shells count."""


@contextmanager
def ending_at_once(message: str = "") -> Iterator[None]:
    """While modules load, let Ctrl-C end the process at once: nothing is lost then.

    message: a line for standard error.  Only the main thread can do this; in another one, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: object) -> None:
        if message:
            os.write(2, f"{message}\n".encode())
        os._exit(INTERRUPTED)

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def held_back() -> Iterator[None]:
    """Hold Ctrl-C back until the block is done, and raise KeyboardInterrupt then: for work that must clear up.

    Python gives signals only to the main thread; in another thread nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt
