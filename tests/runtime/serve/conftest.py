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
def serve(toy: Bundle) -> Iterator[Callable[..., Running]]:
    """Start a server; keywords are settings, and `engine` those of the engine."""
    module = pytest.importorskip("running_server")
    running: list[Running] = []

    def start(engine: dict[str, Any] | None = None, bundle: Bundle = toy, **settings: Any) -> Running:
        options = {"threads": 1, "max_streams": 4, **(engine or {})}
        wanted = ServeSettings(**{"model_name": NAME, **settings})
        one = module.Running(bundle, wanted, lambda: Engine(bundle, **options))
        running.append(one)
        return one.until_ready()

    yield start
    for one in running:
        one.close()


@pytest.fixture
def server(serve: Callable[..., Running]) -> Running:
    return serve()
