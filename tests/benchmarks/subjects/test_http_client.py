"""The client that asks servers under load: what it counts, and what it takes for lost."""

from __future__ import annotations

import asyncio

import pytest

from rfa_bench.subjects.clients import Asked
from rfa_bench.subjects.http_client import of_server

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
WORDS = ["a", "\\n\\n", "data: b"]
"""As JSON has them; the last two look like what stands between events."""
COMMENT = b": keep-alive\n\n"
END = b"data: [DONE]\n\n"


def event(text: str) -> bytes:
    return b'data: {"choices":[{"text":"' + text.encode() + b'"}]}\n\n'


def chunked(body: bytes, size: int) -> bytes:
    """As HTTP sends it, cut every so many bytes."""
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def asked_of(reply: bytes) -> Asked:
    """What a client notes of a server that says this."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        writer.close()

    async def ask() -> Asked:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            asked = Asked([1, 2], len(WORDS), 0.0)
            await of_server("127.0.0.1", port)(asked)
            return asked

    return asyncio.run(ask())


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_every_token_is_noted_once(size: int) -> None:
    body = COMMENT + b"".join(map(event, WORDS)) + COMMENT + END
    asked = asked_of(HEAD + chunked(body, size))
    assert asked.whole
    assert asked.pieces == ["a", "\n\n", "data: b"]


def test_an_empty_event_behind_the_last_token_is_no_token() -> None:
    body = b"".join(map(event, [*WORDS, ""])) + END
    assert asked_of(HEAD + chunked(body, 100)).whole


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"no HTTP\r\n\r\n",
        b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n",
        HEAD + chunked(event("a"), 100)[:-7],
    ],
)
def test_a_reply_that_is_none_is_lost(reply: bytes) -> None:
    with pytest.raises(OSError, match=r"connection|HTTP|status 429"):
        asked_of(reply)


def test_an_error_in_the_stream_is_lost() -> None:
    with pytest.raises(ValueError, match="the model failed"):
        asked_of(HEAD + chunked(b'data: {"error":"the model failed"}\n\n', 100))
