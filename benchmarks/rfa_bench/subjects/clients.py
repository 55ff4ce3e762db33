"""Clients that each wait for their text before they ask for the next one: a closed loop, as many people make it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise

from rfa_runtime.engine.engine import Engine


@dataclass
class Asked:
    """A text that a client asked for.  Moments are as `time.perf_counter` gives them, in seconds."""

    ids: list[int]
    """Of the prompt."""
    length: int
    """Tokens that were wanted."""
    start: float
    """When it was asked for."""
    stamps: list[float] = field(default_factory=list)
    """When each token came."""
    pieces: list[str] = field(default_factory=list)
    """What each token was."""

    @property
    def whole(self) -> bool:
        """Whether all of it came."""
        return len(self.stamps) == self.length

    @property
    def ttft(self) -> float:
        """Seconds to the first token."""
        return self.stamps[0] - self.start

    @property
    def e2el(self) -> float:
        """Seconds to the last token."""
        return self.stamps[-1] - self.start

    @property
    def itl(self) -> list[float]:
        """Seconds from each token to the next."""
        return [after - before for before, after in pairwise(self.stamps)]

    @property
    def tpot(self) -> float | None:
        """Seconds from one token to the next, on average; None for a single token."""
        if self.length == 1:
            return None
        return (self.e2el - self.ttft) / (self.length - 1)


class Workload:
    """Prompts of random tokens and lengths of texts, the same ones each time."""

    def __init__(self, vocab_size: int, longest_prompt: int, longest_text: int, seed: int = 0) -> None:
        """Lengths are drawn evenly from 1 on.  seed: another one makes other prompts."""
        self._rng = random.Random(seed)
        self._vocab_size = vocab_size
        self._longest_prompt = longest_prompt
        self._longest_text = longest_text

    def draw(self) -> tuple[list[int], int]:
        """A prompt, and how many tokens are wanted."""
        count = self._rng.randint(1, self._longest_prompt)
        ids = [self._rng.randrange(self._vocab_size) for _ in range(count)]
        return ids, self._rng.randint(1, self._longest_text)


Write = Callable[[Asked], Awaitable[None]]
"""Lets a text be written: it notes when each token came, and what it was."""


class Clients:
    """What clients got, and when."""

    def __init__(self, write: Write) -> None:
        self.done: list[Asked] = []
        """Texts that came to their end."""
        self.lost: list[str] = []
        """What went wrong with texts that did not."""
        self._asked: list[Asked] = []
        """All texts, those too that are not finished."""
        self._write = write

    async def ask(self, workload: Workload, count: int, seconds: float) -> None:
        """Let so many clients ask for so long.  What is not finished then is neither done nor lost."""
        clients = [asyncio.create_task(self._client(workload)) for _ in range(count)]
        await asyncio.sleep(seconds)
        for client in clients:
            client.cancel()
        for client in clients:
            with suppress(asyncio.CancelledError):
                await client

    def tokens_since(self, moment: float) -> int:
        """Tokens that came after a moment."""
        return sum(stamp > moment for asked in self._asked for stamp in asked.stamps)

    async def _client(self, workload: Workload) -> None:
        while True:
            asked = Asked(*workload.draw(), time.perf_counter())
            self._asked.append(asked)
            try:
                await self._write(asked)
            except (OSError, ValueError) as error:
                self.lost.append(str(error))
                continue
            if asked.whole:
                self.done.append(asked)
            else:
                self.lost.append(f"{len(asked.stamps)} of {asked.length} tokens came")


def of_engine(engine: Engine) -> Write:
    """Texts straight from an engine."""

    async def write(asked: Asked) -> None:
        stream = engine.submit(asked.ids, temperature=0.0, max_new_tokens=asked.length, ignore_eos=True)
        try:
            async for piece in stream:
                asked.stamps.append(time.perf_counter())
                asked.pieces.append(piece.text)
        finally:
            stream.cancel()

    return write
