"""Clients that each wait for their text before they ask for the next one: a closed loop, as many people make it."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise

from rfa_runtime.engine.engine import Engine

Write = Callable[[list[int], int], AsyncIterator[str]]
"""From a prompt's tokens, and how many are wanted, to the text, a piece for each token."""


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

    def __init__(self, vocab_size: int, longest_prompt: int, longest_text: int) -> None:
        """Lengths are drawn evenly from 1 on."""
        self._rng = random.Random(0)
        self._vocab_size = vocab_size
        self._longest_prompt = longest_prompt
        self._longest_text = longest_text

    def draw(self) -> tuple[list[int], int]:
        """A prompt, and how many tokens are wanted."""
        count = self._rng.randint(1, self._longest_prompt)
        ids = [self._rng.randrange(self._vocab_size) for _ in range(count)]
        return ids, self._rng.randint(1, self._longest_text)


class Clients:
    """What clients got, and when."""

    def __init__(self, workload: Workload, write: Write) -> None:
        self.done: list[Asked] = []
        """Texts that came to their end."""
        self.lost: list[str] = []
        """What went wrong with texts that did not."""
        self.stamps: list[float] = []
        """When each token of any text came."""
        self._workload = workload
        self._write = write

    async def ask(self, count: int, seconds: float) -> None:
        """Let so many clients ask for so long.  What is not finished then is neither done nor lost."""
        clients = [asyncio.create_task(self._client()) for _ in range(count)]
        await asyncio.sleep(seconds)
        for client in clients:
            client.cancel()
        for client in clients:
            with suppress(asyncio.CancelledError):
                await client

    def tokens_since(self, moment: float) -> int:
        """Tokens that came after a moment."""
        return sum(stamp > moment for stamp in self.stamps)

    async def _client(self) -> None:
        while True:
            asked = Asked(*self._workload.draw(), time.perf_counter())
            try:
                await self._read(asked)
            except (OSError, ValueError, asyncio.IncompleteReadError) as error:
                self.lost.append(str(error))
                continue
            if asked.whole:
                self.done.append(asked)
            else:
                self.lost.append(f"{len(asked.stamps)} of {asked.length} tokens came")

    async def _read(self, asked: Asked) -> None:
        async for piece in self._write(asked.ids, asked.length):
            now = time.perf_counter()
            asked.stamps.append(now)
            asked.pieces.append(piece)
            self.stamps.append(now)


def of_engine(engine: Engine) -> Write:
    """Texts straight from an engine."""

    async def write(ids: list[int], length: int) -> AsyncIterator[str]:
        stream = engine.submit(ids, temperature=0.0, max_new_tokens=length, ignore_eos=True)
        try:
            async for piece in stream:
                yield piece.text
        finally:
            stream.cancel()

    return write


def of_server(host: str, port: int) -> Write:
    """Texts from a server of OpenAI's API.  The clients share a core with it: so they do as little as they can."""

    async def write(ids: list[int], length: int) -> AsyncIterator[str]:
        wanted = {"prompt": ids, "max_tokens": length, "temperature": 0, "ignore_eos": True, "stream": True}
        body = json.dumps(wanted).encode()
        reader, writer = await asyncio.open_connection(host, port)
        try:
            head = (
                f"POST /v1/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            )
            writer.write(head.encode() + body)
            status = await reader.readline()
            if b" 200 " not in status:
                raise OSError(status.decode().strip())
            left = length
            async for line in reader:
                if line == b"data: [DONE]\n":
                    break
                if line.startswith(b"data: ") and left > 0:  # llama.cpp sends an empty one behind the last token
                    left -= 1
                    yield text_of(json.loads(line[6:]))
        finally:
            writer.close()

    return write


def text_of(event: dict[str, object]) -> str:
    """The text in an event of a stream.  Raises ValueError for an error."""
    choices = event.get("choices")
    if not isinstance(choices, list):
        raise ValueError(str(event))
    return str(choices[0]["text"])
