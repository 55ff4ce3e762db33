"""A client of OpenAI's API that does as little as it can: it shares the processor with the server that is measured.

It notes when an event comes, and reads what the events say when all have come.
"""

from __future__ import annotations

import asyncio
import json
import time

from httptools import HttpParserError, HttpResponseParser

from rfa_bench.subjects.clients import Asked, Write

EVENT = b"data: "
DONE = b"data: [DONE]"


def of_server(host: str, port: int) -> Write:
    """Texts from a server."""

    async def write(asked: Asked) -> None:
        reply = Reply(asked.stamps)
        transport, _ = await asyncio.get_running_loop().create_connection(lambda: reply, host, port)
        try:
            transport.write(request(host, asked))
            await reply.over
        finally:
            transport.close()
        del asked.stamps[asked.length :]  # llama.cpp sends an empty event behind the last token
        asked.pieces += [text_of(json.loads(event)) for event in reply.events[: asked.length]]

    return write


def request(host: str, asked: Asked) -> bytes:
    """The request for a text."""
    wanted = {
        "prompt": asked.ids,
        "max_tokens": asked.length,
        "temperature": 0,
        "ignore_eos": True,
        "stream": True,
    }
    body = json.dumps(wanted).encode()
    head = (
        f"POST /v1/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


class Reply(asyncio.Protocol):
    """The reply to one request."""

    def __init__(self, stamps: list[float]) -> None:
        """stamps: gets the moment of each event."""
        self.events: list[bytes] = []
        """What came, as JSON."""
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when all has come.  Raises OSError for another status than 200, or a reply that is cut."""
        self._stamps = stamps
        self._parser = HttpResponseParser(self)
        self._rest = b""
        """Of a line whose end has not come."""

    def data_received(self, data: bytes) -> None:
        """Take bytes."""
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            self._end(OSError(f"no reply in HTTP: {error}"))

    def connection_lost(self, error: Exception | None) -> None:
        """Nothing more comes."""
        self._end(error or OSError("the connection was closed before the reply was whole"))

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        status = self._parser.get_status_code()
        if status != 200:
            self._end(OSError(f"status {status}"))

    def on_body(self, body: bytes) -> None:
        """Called by the parser for each part of the body."""
        now = time.perf_counter()
        *lines, self._rest = (self._rest + body).split(b"\n")
        for line in lines:
            if line.startswith(EVENT) and line != DONE:
                self._stamps.append(now)
                self.events.append(line.removeprefix(EVENT))

    def on_message_complete(self) -> None:
        """Called by the parser at the end of the reply."""
        self._end(None)

    def _end(self, error: Exception | None) -> None:
        if self.over.done():
            return
        if error is None:
            self.over.set_result(None)
        else:
            self.over.set_exception(error)


def text_of(event: dict[str, object]) -> str:
    """The text in an event of a stream.  Raises ValueError for an error."""
    choices = event.get("choices")
    if not isinstance(choices, list):
        raise ValueError(str(event))
    return str(choices[0]["text"])
