"""Texts that keep to a form, by an extra package that takes 50 ms to load: loaded when the first form is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rfa_runtime.forms.matching import Matching

__all__ = ["Matching"]


def __getattr__(name: str) -> Any:
    """Find a public name in its module (PEP 562)."""
    if name in __all__:
        return getattr(import_module("rfa_runtime.forms.matching"), name)
    raise AttributeError(f"module 'rfa_runtime.forms' has no attribute {name!r}")
