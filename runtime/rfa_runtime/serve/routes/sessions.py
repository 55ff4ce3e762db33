"""The routes of conversations that the server remembers."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI
from fastapi.responses import Response

from rfa_runtime.serve.memory import from_text
from rfa_runtime.serve.problems import ApiError
from rfa_runtime.serve.replies import Json
from rfa_runtime.serve.texts import TextService
from rfa_runtime.serve.wire import SessionRequest


def add_sessions(app: FastAPI, service: TextService) -> None:
    """Begin one, look at it, take it along, end it."""
    sessions = service.sessions

    @app.post("/v1/sessions")
    async def begin(asked: SessionRequest) -> Json:
        """A new session, which may go on from a state."""
        return await asyncio.to_thread(begin_session, service, asked.state)

    @app.get("/v1/sessions/{name}")
    async def about(name: str) -> Json:
        """How long it is."""
        return sessions.about(name)

    @app.get("/v1/sessions/{name}/state")
    async def state(name: str) -> Response:
        """Where it stands, as a file that `rfa-run` reads, too."""
        service.check_client_states()
        data = await asyncio.to_thread(state_of, service, name)
        headers = {"Content-Disposition": 'attachment; filename="conversation.state"'}
        return Response(data, media_type="application/octet-stream", headers=headers)

    @app.delete("/v1/sessions/{name}")
    async def end(name: str) -> Json:
        """Forget it."""
        await asyncio.to_thread(sessions.end, name)
        return {"id": name, "object": "session", "deleted": True}


def begin_session(service: TextService, state: str | None) -> Json:
    """What is said of a new session.  Raises ApiError."""
    device = service.model.session.device
    past = None
    if state is not None:
        service.check_client_states()
        past = from_text(state, service.bundle, device)
    return service.sessions.about(service.sessions.begin(past))


def state_of(service: TextService, name: str) -> bytes:
    """The file of a session.  Raises ApiError."""
    held = service.sessions.hold(name, service.model.session.device)
    try:
        if held.past is None:
            raise ApiError(409, f"the session {name} has read nothing yet: say something first", code="session_empty")
        return held.past.to_bytes()
    finally:
        held.release()
