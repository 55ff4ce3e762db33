"""Several texts at once: their pieces in the order in which they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from rfa_runtime.decoding.generation import Piece
from rfa_runtime.engine.stream import Stream

AHEAD = 64
"""Pieces that wait here: readers of a fast model pause then, and others get their turn."""
Arrived = tuple[int, Piece]
"""The place of a text, and a piece of it."""


async def merged(streams: Sequence[Stream], quiet_seconds: float) -> AsyncGenerator[Arrived | None]:
    """Yield pieces until all texts are over; None where nothing came for so long.

    Whoever stops reading cancels the texts.  Raises what ended a text, if it was an error.
    """
    arrived: asyncio.Queue[tuple[int, Piece | Exception]] = asyncio.Queue(AHEAD)

    async def read(place: int, stream: Stream) -> None:
        try:
            async for piece in stream:
                await arrived.put((place, piece))
        except Exception as error:  # whoever waits for the text gets it
            await arrived.put((place, error))

    readers = [asyncio.create_task(read(place, stream)) for place, stream in enumerate(streams)]
    going = len(streams)
    try:
        while going:
            try:
                async with asyncio.timeout(quiet_seconds):  # wait_for of Python 3.11 may swallow a cancellation
                    place, piece = await arrived.get()
            except TimeoutError:
                yield None
                continue
            if isinstance(piece, Exception):
                raise piece
            if piece.finish_reason is not None:
                going -= 1
            yield place, piece
    finally:
        for stream in streams:
            stream.cancel()
        for reader in readers:
            reader.cancel()
