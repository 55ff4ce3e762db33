"""Decode Random Feature Attention bundles with ONNX Runtime, in constant memory.

Example:
    decoder = rfa_runtime.Decoder("model.rfa")
    for piece in decoder.stream("Once upon"):
        print(piece.text, end="", flush=True)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rfa_runtime.bundle import Bundle, read_bundle, staged_bundle, write_bundle
    from rfa_runtime.decoder import Decoder
    from rfa_runtime.errors import RfaRuntimeError
    from rfa_runtime.generation import Generation, Piece
    from rfa_runtime.sampling import SamplingConfig
    from rfa_runtime.score import Score, score_text
    from rfa_runtime.session import StepSession
    from rfa_runtime.state import State
    from rfa_runtime.text import read_text

__version__ = "0.1.0"
__all__ = [
    "Bundle",
    "Decoder",
    "Generation",
    "Piece",
    "RfaRuntimeError",
    "SamplingConfig",
    "Score",
    "State",
    "StepSession",
    "__version__",
    "read_bundle",
    "read_text",
    "score_text",
    "staged_bundle",
    "write_bundle",
]

HOMES = {
    "bundle": ("Bundle", "read_bundle", "staged_bundle", "write_bundle"),
    "decoder": ("Decoder",),
    "errors": ("RfaRuntimeError",),
    "generation": ("Generation", "Piece"),
    "sampling": ("SamplingConfig",),
    "score": ("Score", "score_text"),
    "session": ("StepSession",),
    "state": ("State",),
    "text": ("read_text",),
}
"""Modules are loaded when a name of theirs is first used: `rfa-run --help` need not wait for ONNX Runtime."""


def __getattr__(name: str) -> Any:
    """Find a public name in its module (PEP 562)."""
    for module, names in HOMES.items():
        if name in names:
            return getattr(import_module(f"rfa_runtime.{module}"), name)
    raise AttributeError(f"module 'rfa_runtime' has no attribute {name!r}")
