"""The pieces of one text on their way from the engine's thread to whoever reads them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from threading import Condition

from rfa_runtime.decoding.continuation import Continuation
from rfa_runtime.decoding.generation import Clock, Generation, Piece
from rfa_runtime.decoding.written import Written
from rfa_runtime.engine.job import Job


class Stream(Iterator[Piece], AsyncIterator[Piece]):
    """Iterate over it, in a thread or in a coroutine: a piece for each token, the last one with a finish_reason.

    Nobody has to read at once: pieces wait.  A text that is no longer read goes on being written until `cancel`.
    """

    def __init__(
        self,
        ids: list[int],
        text: Continuation,
        boundaries: tuple[int, ...],
        state_bytes: int,
        tell: Callable[[Job], None],
    ) -> None:
        """ids: of the prompt.  state_bytes: what the text keeps between two tokens.  tell: the engine, of changes."""
        self.job = Job(ids, text, self.give, boundaries=boundaries)
        """What the engine knows of the text."""
        self._pieces = deque[Piece | BaseException]()
        self._changed = Condition()
        self._over = False
        self._clock = Clock()
        self._state_bytes = state_bytes
        self._tell = tell
        self._waiter: tuple[asyncio.AbstractEventLoop, asyncio.Future[None]] | None = None

    @property
    def cached_tokens(self) -> int:
        """Tokens of the prompt that were not read, because a state knew them."""
        return self.job.cached

    def give(self, piece: Piece | BaseException) -> None:
        """Take a piece, or the error that ends the text, from the engine."""
        with self._changed:
            self._clock.tick()
            self._pieces.append(piece)
            self._changed.notify_all()
            waiter, self._waiter = self._waiter, None
        if waiter is not None:
            loop, future = waiter
            loop.call_soon_threadsafe(wake, future)

    def cancel(self) -> None:
        """Let the text end with its next token, with the finish reason `cancelled`."""
        self.job.cancelled = True
        self._tell(self.job)

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Piece:
        if self._over:
            raise StopIteration
        with self._changed:
            while not self._pieces:
                self._changed.wait()
            return self._next()

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> Piece:
        if self._over:
            raise StopAsyncIteration
        while True:
            with self._changed:
                if self._pieces:
                    return self._next()
                loop = asyncio.get_running_loop()
                future = loop.create_future()
                self._waiter = (loop, future)
            await future

    def result(self) -> Generation:
        """Wait for the end, and return the whole text.  Raises what ended it, if it was an error."""
        written = Written()
        for piece in self:
            written.add(piece.token_id, piece.text, piece.finish_reason)
        return self._clock.generation(written, len(self.job.ids), self._state_bytes, self.cached_tokens)

    def _next(self) -> Piece:
        """The piece that has waited longest.  Raises the error that came in its place."""
        piece = self._pieces.popleft()
        if isinstance(piece, BaseException):
            self._over = True
            raise piece
        self._over = piece.finish_reason is not None
        return piece


def wake(future: asyncio.Future[None]) -> None:
    """Let a coroutine go on; it may have been cancelled in the meantime."""
    if not future.done():
        future.set_result(None)
