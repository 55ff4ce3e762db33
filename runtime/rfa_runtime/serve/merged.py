"""Several texts at once: their pieces in the order in which they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress

from rfa_runtime.decoding.generation import Piece
from rfa_runtime.engine.stream import Stream

Arrived = tuple[int, Piece]
"""The place of a text, and a piece of it."""


async def merged(streams: Sequence[Stream], quiet_seconds: float) -> AsyncGenerator[Arrived | None]:
    """Yield pieces until all texts are over; None where nothing came for so long.

    Whoever stops reading cancels the texts.  Raises what ended a text, if it was an error.
    """
    bell = Bell()
    for stream in streams:
        stream.listen(bell.ring)
    going = list(range(len(streams)))
    try:
        while going:
            came = False
            for place in tuple(going):
                piece = streams[place].take()
                if piece is None:
                    continue
                came = True
                if piece.finish_reason is not None:
                    going.remove(place)
                yield place, piece
            if not came and not await bell.rung(quiet_seconds):
                yield None
    finally:
        for stream in streams:
            stream.cancel()


class Bell:
    """Rung in any thread, heard by one coroutine.

    Whoever waits looks for what came first, without a pause in between: what comes later rings again.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._heard: asyncio.Future[bool] | None = None

    def ring(self) -> None:
        """Wake who waits."""
        with suppress(RuntimeError):  # a loop that was closed has nobody who waits
            self._loop.call_soon_threadsafe(self._wake, True)

    async def rung(self, seconds: float) -> bool:
        """Wait for it.  Returns whether it was rung within so many seconds."""
        self._heard = self._loop.create_future()
        timer = self._loop.call_later(seconds, self._wake, False)
        try:
            return await self._heard
        finally:
            timer.cancel()
            self._heard = None

    def _wake(self, rung: bool) -> None:
        if self._heard is not None and not self._heard.done():
            self._heard.set_result(rung)
