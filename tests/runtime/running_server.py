"""A server of a bundle in a thread, at a port of its own.  Whoever imports this without the extra is skipped."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from rfa_runtime import Bundle, Engine
from rfa_runtime.serve import ServeSettings

for package in ("fastapi", "prometheus_client"):
    pytest.importorskip(package, reason=f"{package} is not installed: servers cannot be tested")
httpx = pytest.importorskip("httpx", reason="httpx is not installed: servers cannot be tested")
uvicorn = pytest.importorskip("uvicorn", reason="uvicorn is not installed: servers cannot be tested")
app = pytest.importorskip("rfa_runtime.serve.app")


class Running:
    """A server, and a client without opinions."""

    def __init__(self, bundle: Bundle, settings: ServeSettings, open_model: Callable[[], Engine]) -> None:
        served = app.create_app(bundle, settings, open_model)
        place = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{place.getsockname()[1]}"
        self.server = uvicorn.Server(uvicorn.Config(served, log_level="warning", timeout_graceful_shutdown=10))
        self.thread = threading.Thread(target=self.server.run, args=([place],))
        self.thread.start()
        self.client = httpx.Client(base_url=self.url, timeout=60)

    def until_ready(self) -> Running:
        """Wait until requests are answered."""
        for _ in range(600):
            try:
                if self.client.get("/health").status_code == 200:
                    return self
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError("the server does not answer")

    def post(self, path: str, **body: Any) -> Any:
        return self.client.post(path, json=body)

    def stats(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get("/stats").json()
        return found

    def idle(self) -> bool:
        """Whether no text is left, after a moment."""
        for _ in range(100):
            stats = self.stats()
            if stats["streams"] == stats["waiting"] == 0:
                return True
            time.sleep(0.05)
        return False

    def close(self) -> None:
        self.client.close()
        self.server.should_exit = True
        self.thread.join(30)
        assert not self.thread.is_alive()
