"""A bundle behind HTTP, as clients of OpenAI's API expect it; an extra, loaded when it is first asked for.

listening   a port
app         routes/ for the task of a bundle, and errors
service     a model that is loaded once: texts.py has an engine, lines.py a translator or a classifier
wire        what clients send        ->  asking   what the engine is asked for
replies     what clients get         <-  answer   pieces of several texts as they come
memory      what a text goes on from, and where its end is put: sessions.py, or the client
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
