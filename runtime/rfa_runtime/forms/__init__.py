"""What extras bring, loaded when it is first asked for: texts that keep to a grammar, and templates of chats."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rfa_runtime.forms.matching import Matching
    from rfa_runtime.forms.rendering import Rendering

__all__ = ["Matching", "Rendering"]
HOMES = {"Matching": "matching", "Rendering": "rendering"}


def __getattr__(name: str) -> Any:
    """Find a public name in its module (PEP 562)."""
    if name in HOMES:
        return getattr(import_module(f"rfa_runtime.forms.{HOMES[name]}"), name)
    raise AttributeError(f"module 'rfa_runtime.forms' has no attribute {name!r}")
