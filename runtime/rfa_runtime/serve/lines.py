"""Translators and classifiers behind HTTP: a request is a batch, and one batch at a time is worked on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.decoding.generation import Translation
from rfa_runtime.decoding.search_config import SearchConfig
from rfa_runtime.serve.problems import ApiError
from rfa_runtime.serve.service import Model, Service, too_many
from rfa_runtime.serve.settings import ServeSettings
from rfa_runtime.serve.wire import Pair
from rfa_runtime.tasks.classification import Classification, Classifier
from rfa_runtime.tasks.translation import Translator

Result = TypeVar("Result")


class LineService(Service[Model]):
    """What answers line by line."""

    def __init__(self, bundle: Bundle, settings: ServeSettings, open_model: Callable[[], Model]) -> None:
        super().__init__(bundle, settings, open_model)
        self.state_bytes = sum(spec.row_bytes() for spec in bundle.manifest.state)
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._running = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        """Work that somebody asked for; the loop itself would forget it."""

    @property
    def counts(self) -> tuple[int, int]:
        """Lines that wait, and that are worked on."""
        return self._waiting, self._running

    async def work(self, lines: int, work: Callable[[], Result]) -> Result:
        """Do some work on so many lines in a thread, when its turn comes.  Raises ApiError."""
        most = self.settings.max_texts
        if lines > most:
            raise ApiError(400, f"{lines:,} lines came, this server takes up to {most:,} at once", param="input")
        if self._waiting + lines > self.settings.max_queue + most:
            raise too_many(self._waiting, "lines")
        task = asyncio.create_task(self._in_turn(lines, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        seconds = self.settings.request_seconds
        try:
            return await asyncio.wait_for(asyncio.shield(task), seconds)
        except TimeoutError as error:
            raise ApiError(504, f"not finished after {seconds:g} s", "timeout_error") from error
        finally:
            task.cancel()

    async def _in_turn(self, lines: int, work: Callable[[], Result]) -> Result:
        """Do some work in its turn.  A thread cannot be stopped: the turn lasts until it is free again."""
        async with self._place(lines):
            working = asyncio.create_task(asyncio.to_thread(work))
            try:
                return await asyncio.shield(working)
            finally:
                await asyncio.wait([working])

    @asynccontextmanager
    async def _place(self, lines: int) -> AsyncIterator[None]:
        """Wait for the turn of so many lines, and keep it inside the block."""
        self._waiting += lines
        try:
            await self._turn.acquire()
        finally:
            self._waiting -= lines
        self._running = lines
        try:
            yield
        finally:
            self._running = 0
            self._turn.release()


class TranslationService(LineService[Translator]):
    """A translator."""

    async def translate(self, sources: Sequence[str], search: SearchConfig) -> list[Translation]:
        """Translate some sources.  Raises ApiError, PromptError."""
        translator = self.model
        return await self.work(len(sources), lambda: translator.translate_batch(sources, search))


class ClassificationService(LineService[Classifier]):
    """A classifier."""

    async def classify(self, texts: Sequence[str | Pair]) -> list[Classification]:
        """Name the classes of some texts, or pairs.  Raises ApiError, PromptError."""
        classifier = self.model
        return await self.work(len(texts), lambda: classifier.classify_batch(texts))
