"""The routes for those who look after the server, and the page."""

from __future__ import annotations

from importlib.resources import files

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from rfa_runtime.serve.replies import Json
from rfa_runtime.serve.service import AnyService


def add_figures(app: FastAPI, service: AnyService) -> None:
    """What is served, how it is, and a page to try it on."""

    @app.get("/v1/models")
    async def models() -> Json:
        """What is served."""
        entry = {"id": service.name, "object": "model", "created": service.started, "owned_by": "rfa-export"}
        return {"object": "list", "data": [entry]}

    @app.get("/health")
    async def health() -> dict[str, str]:
        """Whether requests are answered."""
        service.check_ready()
        return {"status": "ok"}

    @app.get("/metrics")
    async def metrics() -> Response:
        """Figures for Prometheus."""
        return Response(service.figures(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/stats")
    async def stats() -> Json:
        """What the page shows."""
        service.check_ready()
        waiting, running = service.counts
        return {
            "model": service.name,
            "task": service.bundle.manifest.task,
            "waiting": waiting,
            "streams": running,
            "state_bytes": service.state_bytes,
            "client_states": service.settings.client_states,
        }

    @app.get("/")
    async def page() -> HTMLResponse:
        """A page to try the model on."""
        return HTMLResponse((files("rfa_runtime.serve") / "page.html").read_text(encoding="utf-8"))
