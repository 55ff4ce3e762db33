"""A bundle behind HTTP, as clients of OpenAI's API expect it; an extra, loaded when it is first asked for.

listening   a port
app         routes
service     the engine, its limits and its figures
wire        what clients send        ->  asking   what the engine is asked for
replies     what clients get         <-  merged   pieces of several texts as they come
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rfa_runtime.serve.settings import ServeSettings

if TYPE_CHECKING:
    from rfa_runtime.serve.listening import listen

__all__ = ["ServeSettings", "listen"]


def __getattr__(name: str) -> Any:
    """Find a public name in its module (PEP 562)."""
    if name == "listen":
        return import_module("rfa_runtime.serve.listening").listen
    raise AttributeError(f"module 'rfa_runtime.serve' has no attribute {name!r}")
