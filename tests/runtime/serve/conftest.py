"""Servers of toy bundles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from rfa_runtime import Bundle, Engine
from rfa_runtime.serve import ServeSettings

if TYPE_CHECKING:
    from running_server import Running

NAME = "toy"


@pytest.fixture
def serve_model() -> Iterator[Callable[..., Running]]:
    """Start a server of whatever a function opens; keywords are settings."""
    module = pytest.importorskip("running_server")
    running: list[Running] = []

    def start(bundle: Bundle, open_model: Callable[[], Any], **settings: Any) -> Running:
        one: Running = module.Running(bundle, ServeSettings(**{"model_name": NAME, **settings}), open_model)
        running.append(one)
        return one.until_ready()

    yield start
    for one in running:
        one.close()


@pytest.fixture
def serve(toy: Bundle, serve_model: Callable[..., Running]) -> Callable[..., Running]:
    """Start a server of texts; keywords are settings, and `engine` those of the engine."""

    def start(engine: dict[str, Any] | None = None, bundle: Bundle = toy, **settings: Any) -> Running:
        options = {"threads": 1, "max_streams": 4, **(engine or {})}
        return serve_model(bundle, lambda: Engine(bundle, **options), **settings)

    return start


@pytest.fixture
def server(serve: Callable[..., Running]) -> Running:
    return serve()
