"""Clients that each wait for their text before they ask for the next one: a closed loop, as many people make it."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass

from rfa_runtime.engine.engine import Engine

Write = Callable[[list[int], int], AsyncIterator[str]]
"""From a prompt's tokens, and how many are wanted, to the text in pieces."""


@dataclass(frozen=True)
class Done:
    """A text that came to its end."""

    ids: list[int]
    """Of the prompt."""
    pieces: list[str]


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
        self.done: list[Done] = []
        self.lost: list[str] = []
        """What went wrong with texts that did not come to their end."""
        self.first_s: list[float] = []
        """Seconds to the first token of each text."""
        self.next_s: list[float] = []
        """From one token to the next."""
        self.stamps: list[float] = []
        """When each token came, by `time.perf_counter`."""
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
            ids, length = self._workload.draw()
            try:
                pieces = await self._read(ids, length)
            except (OSError, ValueError, asyncio.IncompleteReadError) as error:
                self.lost.append(str(error))
                continue
            if len(pieces) == length:
                self.done.append(Done(ids, pieces))
            else:
                self.lost.append(f"{len(pieces)} of {length} tokens came")

    async def _read(self, ids: list[int], length: int) -> list[str]:
        before = time.perf_counter()
        pieces: list[str] = []
        async for piece in self._write(ids, length):
            now = time.perf_counter()
            (self.next_s if pieces else self.first_s).append(now - before)
            self.stamps.append(now)
            before = now
            pieces.append(piece)
        return pieces


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
            async for line in reader:
                if line == b"data: [DONE]\n":
                    break
                if line.startswith(b"data: "):
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
