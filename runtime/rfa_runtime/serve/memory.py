"""What a request goes on from, and where the end of its text is put: nowhere, into a session, or to the client.

A reply that is not finished is not remembered: what was there before stays as it was.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.decoding.past import Past
from rfa_runtime.errors import StateError
from rfa_runtime.serve.problems import ApiError
from rfa_runtime.serve.replies import Json
from rfa_runtime.serve.sessions import Sessions


@dataclass(frozen=True)
class Memory:
    """Of one request."""

    past: Past | None
    """What was read before; None where the text begins."""
    keeps_end: bool
    put_away: Callable[[Past | None], Json]
    """Takes the end of a text that is finished.  Returns what the reply says of it."""
    release: Callable[[], None]
    """Ends the request's hold on what it goes on from.  More than once does no harm."""


def no_memory() -> Memory:
    """Of a text that is forgotten."""
    return Memory(None, False, lambda _: {}, lambda: None)


def of_session(sessions: Sessions, name: str, device: str, gives_state: bool) -> Memory:
    """The text goes on in a session.  gives_state: to the client, too.  Raises ApiError."""
    held = sessions.hold(name, device)

    def put_away(end: Past | None) -> Json:
        assert end is not None
        held.put(end)
        found: Json = {"session": sessions.about(name)}
        return {**found, "state": as_text(end)} if gives_state else found

    return Memory(held.past, True, put_away, held.release)


def of_client(state: str | None, bundle: Bundle, device: str, gives_state: bool) -> Memory:
    """The client brings a state, and may get one back.  Raises ApiError."""
    past = None if state is None else from_text(state, bundle, device)

    def put_away(end: Past | None) -> Json:
        return {} if end is None else {"state": as_text(end)}

    return Memory(past, gives_state, put_away, lambda: None)


def as_text(past: Past) -> str:
    """A state in base64."""
    return base64.b64encode(past.to_bytes()).decode()


def from_text(state: str, bundle: Bundle, device: str) -> Past:
    """A state from base64.  Raises ApiError for one that is damaged, or of another bundle."""
    try:
        data = base64.b64decode(state, validate=True)
    except ValueError as error:
        raise ApiError(400, "the state is no base64", param="state") from error
    try:
        return Past.from_bytes(data, bundle, device)
    except StateError as error:
        raise ApiError(400, str(error), param="state") from error
