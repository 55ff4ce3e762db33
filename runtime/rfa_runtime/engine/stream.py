"""The pieces of one text on their way from the engine's thread to whoever reads them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from threading import Condition

from rfa_runtime.decoding.continuation import Continuation
from rfa_runtime.decoding.generation import NO_TOKEN, Clock, Generation, Piece
from rfa_runtime.decoding.past import Past
from rfa_runtime.decoding.written import Written
from rfa_runtime.engine.job import Job


class Stream(Iterator[Piece], AsyncIterator[Piece]):
    """Iterate over it, in a thread or in a coroutine: a piece for each token, the last one with a finish_reason.

    Several readers share the pieces: each piece goes to one of them.

    Nobody has to read at once: pieces wait.  A text that is no longer read goes on being written until `cancel`.
    """

    def __init__(
        self,
        ids: list[int],
        text: Continuation,
        boundaries: tuple[int, ...],
        state_bytes: int,
        tell: Callable[[Job], None],
        past: Past | None = None,
        keeps_end: bool = False,
    ) -> None:
        """ids: of the prompt.  state_bytes: what the text keeps between two tokens.  tell: the engine, of changes."""
        self.job = Job(ids, text, self.give, boundaries=boundaries, past=past, keeps_end=keeps_end)
        """What the engine knows of the text."""
        self._pieces = deque[Piece | BaseException]()
        self._changed = Condition()
        self._over = False
        self._clock = Clock()
        self._state_bytes = state_bytes
        self._tell = tell
        self._written = Written()
        """What was read of the stream."""
        self._error: BaseException | None = None
        """What ended the text, if it was an error."""
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        """Coroutines that wait for a piece."""
        self._heard: Callable[[], None] | None = None
        """Called when a piece has come."""

    @property
    def cached_tokens(self) -> int:
        """Tokens of the prompt that were not read, because a state knew them."""
        return self.job.cached

    @property
    def end(self) -> Past | None:
        """Where another text can go on, once the last piece has come; None where nobody asked to keep it.

        It has read all tokens, the last one too.  A text that was cancelled or failed has none.
        """
        return self.job.end

    @property
    def waiting(self) -> int:
        """Pieces that nobody has read yet."""
        return len(self._pieces)

    def give(self, piece: Piece | BaseException) -> None:
        """Take a piece, or the error that ends the text, from the engine."""
        with self._changed:
            self._clock.tick()
            self._pieces.append(piece)
            self._wake_all()

    def listen(self, heard: Callable[[], None]) -> None:
        """Have a function called whenever a piece has come, in the engine's thread: it must not wait.

        For whoever reads many texts at once: `take` then gives the pieces.
        """
        with self._changed:
            self._heard = heard

    def take(self) -> Piece | None:
        """The next piece, where one has come.  Raises the error that came in its place."""
        with self._changed:
            return self._next() if self._pieces and not self._over else None

    def cancel(self) -> None:
        """Let the text end before its next token: its last piece has the finish reason `cancelled`, and no token."""
        self.job.cancelled = True
        self._tell(self.job)

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Piece:
        with self._changed:
            while not self._pieces and not self._over:
                self._changed.wait()
            if self._over:
                raise StopIteration
            return self._next()

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> Piece:
        while True:
            with self._changed:
                if self._over:
                    raise StopAsyncIteration
                if self._pieces:
                    return self._next()
                loop = asyncio.get_running_loop()
                future = loop.create_future()
                self._waiters.append((loop, future))
            await future

    def result(self) -> Generation:
        """Wait for the end, and return the whole text: what was read before is part of it.

        Raises what ended the text, if it was an error; every time.
        """
        while not self._over:
            next(self, None)
        if self._error is not None:
            raise self._error
        return self._clock.generation(self._written, len(self.job.ids), self._state_bytes, self.cached_tokens)

    def _next(self) -> Piece:
        """The piece that has waited longest.  Raises the error that came in its place.  The lock is held."""
        piece = self._pieces.popleft()
        if isinstance(piece, BaseException):
            self._end()
            self._error = piece
            raise piece
        if piece.token_id == NO_TOKEN:
            self._written.end(piece.text, piece.finish_reason)
        else:
            self._written.add(piece.token_id, piece.text, piece.finish_reason)
        if piece.finish_reason is not None:
            self._end()
        return piece

    def _end(self) -> None:
        """Nothing more comes: other readers need not wait.  The lock is held."""
        self._over = True
        self._wake_all()

    def _wake_all(self) -> None:
        """Let all who wait look again.  The lock is held."""
        self._changed.notify_all()
        for loop, future in self._waiters:
            with suppress(RuntimeError):  # whose loop was closed reads no more
                loop.call_soon_threadsafe(wake, future)
        self._waiters.clear()
        if self._heard is not None:
            self._heard()


def wake(future: asyncio.Future[None]) -> None:
    """Let a coroutine go on; it may have been cancelled in the meantime."""
    if not future.done():
        future.set_result(None)
