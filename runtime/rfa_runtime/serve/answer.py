"""The texts of one request, from the engine to the reply."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator

from rfa_runtime.decoding.generation import NO_TOKEN, Piece
from rfa_runtime.engine.stream import Stream
from rfa_runtime.errors import LogitsError, RfaRuntimeError, SessionError
from rfa_runtime.serve.memory import Memory
from rfa_runtime.serve.merged import merged
from rfa_runtime.serve.metrics import Metrics
from rfa_runtime.serve.problems import ApiError, server_error
from rfa_runtime.serve.replies import Json, Usage
from rfa_runtime.serve.settings import ServeSettings

LOG = logging.getLogger(__name__)


class Answer:
    """The texts of one request while they are written."""

    def __init__(
        self, settings: ServeSettings, metrics: Metrics, streams: list[Stream], per_prompt: int, memory: Memory
    ) -> None:
        """per_prompt: so many streams, one after the other, have the same prompt, which is read once.

        memory: it is told where the text ends, and released.
        """
        self._settings = settings
        self._metrics = metrics
        self._memory = memory
        self._streams = streams
        self._per_prompt = per_prompt
        self._started = time.perf_counter()
        self._last = [self._started] * len(streams)
        self._tokens = [0] * len(streams)
        self._over: set[int] = set()
        """Places of texts that have come to their end."""

    @property
    def count(self) -> int:
        """Texts."""
        return len(self._streams)

    @property
    def usage(self) -> Usage:
        """So far."""
        readers = self._streams[:: self._per_prompt]
        prompt_tokens = sum(len(stream.job.ids) for stream in readers)
        cached_tokens = sum(stream.cached_tokens for stream in readers)
        return Usage(prompt_tokens, sum(self._tokens), cached_tokens)

    async def pieces(self) -> AsyncGenerator[tuple[int, Piece] | None]:
        """Yield pieces with the places of their texts, and None where nothing came for a while.

        Raises ApiError for a text that fails, or when the time is over.  Whoever stops reading cancels the texts.
        """
        settings = self._settings
        arrivals = merged(self._streams, settings.keep_alive_seconds)
        try:
            async for arrived in arrivals:
                if time.perf_counter() - self._started > settings.request_seconds:
                    raise ApiError(504, f"not finished after {settings.request_seconds:g} s", "timeout_error")
                if arrived is not None:
                    self._note(*arrived)
                yield arrived
        except LogitsError as error:
            LOG.error("a text failed: %s", error)
            raise server_error(error) from error
        except SessionError as error:
            raise ApiError(503, str(error), "server_error") from error
        except RfaRuntimeError as error:
            raise ApiError(400, str(error)) from error
        finally:
            await arrivals.aclose()

    def _note(self, place: int, piece: Piece) -> None:
        now = time.perf_counter()
        metrics = self._metrics
        if piece.token_id != NO_TOKEN:
            if self._tokens[place] == 0:
                metrics.note_first(now - self._started)
            else:
                metrics.note_next(now - self._last[place])
            self._tokens[place] += 1
        self._last[place] = now
        if piece.finish_reason is not None:
            self._note_end(place, piece.finish_reason)

    def _note_end(self, place: int, reason: str) -> None:
        stream = self._streams[place]
        reads = place % self._per_prompt == 0
        prompt_tokens = len(stream.job.ids) if reads else 0
        cached_tokens = stream.cached_tokens if reads else 0
        seconds = time.perf_counter() - self._started
        tokens = self._tokens[place]
        self._metrics.note_text(reason, seconds, prompt_tokens, cached_tokens, tokens)
        LOG.info("%d tokens read, %d written in %.3f s: %s", prompt_tokens, tokens, seconds, reason)
        self._over.add(place)

    async def remember(self) -> Json:
        """Put away where the text ended.  Returns what the reply says of it.  Raises ApiError."""
        if not self._memory.keeps_end:
            return {}
        return await asyncio.to_thread(self._memory.put_away, self._streams[0].end)

    def close(self) -> None:
        """Let everything go, however far it came.  Texts whose reader has gone count once, too."""
        for place, stream in enumerate(self._streams):
            stream.cancel()
            if place not in self._over:
                self._note_end(place, "abort")
        self._memory.release()
