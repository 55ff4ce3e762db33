"""The engine behind the routes: whether it is there, who may come in, and what it did."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.decoding.chat_template import Message, chat_template
from rfa_runtime.decoding.generation import NO_TOKEN, Piece
from rfa_runtime.engine.engine import Engine, stream_bytes
from rfa_runtime.engine.stream import Stream
from rfa_runtime.errors import LogitsError, RfaRuntimeError, SessionError
from rfa_runtime.serve.merged import merged
from rfa_runtime.serve.metrics import Metrics
from rfa_runtime.serve.problems import ApiError, server_error
from rfa_runtime.serve.replies import Usage, Words, speller
from rfa_runtime.serve.settings import ServeSettings

LOG = logging.getLogger(__name__)
NEXT_SPEAKER = "\nuser:"
"""Ends an answer where the bundle has no chat template."""
RETRY_SECONDS = 1


@dataclass(frozen=True)
class Ask:
    """A prompt as tokens."""

    ids: list[int]
    boundaries: tuple[int, ...] = ()
    """Numbers of tokens after which a message ends."""


class Service:
    """One bundle, loaded once, for all requests."""

    def __init__(self, bundle: Bundle, settings: ServeSettings, open_engine: Callable[[], Engine]) -> None:
        """open_engine: loads the weights; called in `load`, not before."""
        self.bundle = bundle
        self.settings = settings
        self.model = settings.model_name or bundle.path.stem
        self.metrics = Metrics(self.model)
        self.started = int(time.time())
        self._open_engine = open_engine
        self._engine: Engine | None = None
        self._failed: BaseException | None = None

    async def load(self) -> None:
        """Load the weights in a thread: the server answers in the meantime."""
        try:
            self._engine = await asyncio.to_thread(self._open_engine)
        except (RfaRuntimeError, OSError) as error:
            LOG.error("the model cannot be loaded: %s", error)
            self._failed = error

    async def close(self) -> None:
        """End all texts."""
        if self._engine is not None:
            await asyncio.to_thread(self._engine.close)

    @property
    def engine(self) -> Engine:
        """Raises ApiError while it is loaded, and where it could not be."""
        if self._failed is not None:
            raise ApiError(503, f"the model cannot be loaded: {self._failed}", "server_error")
        if self._engine is None:
            raise ApiError(503, "the model is being loaded: ask again soon", "server_error", "loading")
        return self._engine

    @property
    def words(self) -> Words:
        """Tokens as text."""
        return Words(speller(self.engine.writer.tokenizer))

    def check_model(self, name: str | None) -> None:
        """Raise ApiError for the name of another model."""
        if name and name != self.model:
            raise ApiError(
                404, f"the model {name!r} does not exist, this server has {self.model!r}", code="model_not_found"
            )

    def encode(self, prompt: str | list[int]) -> Ask:
        """The tokens of a prompt.  Raises ApiError for too many, PromptError."""
        ids = self.engine.writer.encode(prompt)
        self._check_length(ids)
        return Ask(ids)

    def encode_chat(self, messages: Sequence[Message]) -> tuple[Ask, tuple[str, ...]]:
        """The tokens of a chat, and strings that end the answer.  Raises as `encode` does."""
        writer = self.engine.writer
        template = None if writer.tokenizer is None else chat_template(self.bundle, writer.tokenizer)
        if template is None:
            lines = [f"{message.role}: {message.content}\n" for message in messages]
            return self.encode("".join(lines) + "assistant:"), (NEXT_SPEAKER,)
        chat = template.encode(messages)
        ids = writer.encode(chat.ids)
        self._check_length(ids)
        added = len(ids) - len(chat.ids)  # a start token that the template lacks
        return Ask(ids, tuple(place + added for place in chat.boundaries)), ()

    def ask(self, asks: Sequence[Ask], count: int, wanted: dict[str, Any]) -> Answer:
        """Ask for `count` texts of each prompt.  Raises ApiError where too many wait, or came at once."""
        texts = len(asks) * count
        if texts > self.settings.max_texts:
            raise ApiError(400, f"{texts} texts were asked for, this server writes up to {self.settings.max_texts}")
        engine = self.engine
        waiting, _, _ = engine.counts
        if waiting + texts > self.settings.max_queue + engine.max_streams:
            raise ApiError(
                429,
                f"{waiting:,} texts wait already: ask again later",
                "rate_limit_error",
                "queue_full",
                headers={"Retry-After": str(RETRY_SECONDS)},
            )
        streams = []
        for one in asks:
            streams += engine.submit_several(one.ids, count, boundaries=one.boundaries, **wanted)
        return Answer(self, streams, count)

    def figures(self) -> bytes:
        """For Prometheus."""
        if self._engine is None:
            return self.metrics.page(0, 0, 0)
        waiting, reading, writing = self._engine.counts
        return self.metrics.page(waiting, reading + writing, (reading + writing) * stream_bytes(self.bundle))

    def _check_length(self, ids: list[int]) -> None:
        most = self.settings.max_prompt_tokens
        if len(ids) > most:
            raise ApiError(
                400,
                f"the prompt has {len(ids):,} tokens, this server reads up to {most:,}: shorten it",
                code="context_length_exceeded",
            )


class Answer:
    """The texts of one request while they are written."""

    def __init__(self, service: Service, streams: list[Stream], per_prompt: int) -> None:
        """per_prompt: so many streams, one after the other, have the same prompt, which is read once."""
        self._service = service
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
        settings = self._service.settings
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
            self._note_unfinished()

    def _note(self, place: int, piece: Piece) -> None:
        now = time.perf_counter()
        metrics = self._service.metrics
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
        self._service.metrics.note_text(reason, seconds, prompt_tokens, cached_tokens, tokens)
        LOG.info("%d tokens read, %d written in %.3f s: %s", prompt_tokens, tokens, seconds, reason)
        self._over.add(place)

    def _note_unfinished(self) -> None:
        """Texts whose reader has gone count once, too."""
        for place in range(self.count):
            if place not in self._over:
                self._note_end(place, "abort")
