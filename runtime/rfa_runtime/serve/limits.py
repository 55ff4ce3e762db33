"""What is checked before a route is asked: the key, and the length of the body.  Streams pass as they come."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from rfa_runtime.serve.metrics import Metrics
from rfa_runtime.serve.problems import ApiError
from rfa_runtime.serve.settings import ServeSettings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
OPEN = ("/health", "/")
"""Routes without a key."""


class Body:
    """Receives no more of a body than the limit, whatever was announced."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._most = most
        self._read = 0

    @property
    def too_long(self) -> bool:
        """Whether there was more."""
        return self._read > self._most

    async def receive(self) -> Message:
        """The next message; an end where the body is too long."""
        message = await self._receive()
        self._read += len(message.get("body", b""))
        return {"type": "http.disconnect"} if self.too_long else message


class Limits:
    """A layer around the application."""

    def __init__(self, app: App, settings: ServeSettings, metrics: Metrics) -> None:
        self._app = app
        self._settings = settings
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        body = Body(receive, self._settings.max_body_bytes)

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                path = getattr(scope.get("route"), "path", "unknown")
                self._metrics.note_reply(path, message["status"])
            await send(message)

        async def unless_too_long(message: Message) -> None:
            if not body.too_long:  # else the reply is about a body that was cut
                await note(message)

        try:
            self._check_key(scope["path"], headers.get(b"authorization", b""))
            self._check_announced(headers.get(b"content-length", b"0"))
            await self._app(scope, body.receive, unless_too_long)
            if body.too_long:
                raise self._too_long()
        except ApiError as error:
            await refuse(note, error)

    def _check_key(self, path: str, header: bytes) -> None:
        key = self._settings.api_key
        if key is None or path in OPEN:
            return
        scheme, _, given = header.partition(b" ")
        if scheme.lower() != b"bearer" or not secrets.compare_digest(given.strip(), key.encode()):
            raise ApiError(
                401,
                "the key is missing, or another one: send Authorization: Bearer KEY",
                "authentication_error",
                "invalid_api_key",
                headers={"WWW-Authenticate": "Bearer"},
            )

    def _check_announced(self, length: bytes) -> None:
        if length.isdigit() and int(length) > self._settings.max_body_bytes:
            raise self._too_long()

    def _too_long(self) -> ApiError:
        return ApiError(413, f"the body is longer than {self._settings.max_body_bytes:,} bytes: send less")


async def refuse(send: Send, error: ApiError) -> None:
    """Send an error as the whole reply."""
    body = json.dumps(error.as_table()).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
