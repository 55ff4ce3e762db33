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
    from rfa_runtime.accuracy import Accuracy, score_classifier
    from rfa_runtime.bundle import Bundle, read_bundle, staged_bundle, write_bundle
    from rfa_runtime.classifier import Classification, Classifier
    from rfa_runtime.decoder import Decoder
    from rfa_runtime.encoder import Encoder
    from rfa_runtime.errors import RfaRuntimeError
    from rfa_runtime.generation import Generation, Piece
    from rfa_runtime.labelled_file import read_labelled
    from rfa_runtime.line_files import convert_lines
    from rfa_runtime.pairs_file import read_pairs
    from rfa_runtime.sampling import SamplingConfig
    from rfa_runtime.score import Score, score_text
    from rfa_runtime.search import Hypothesis, SearchConfig, Translation
    from rfa_runtime.session import StepSession
    from rfa_runtime.state import State
    from rfa_runtime.text import read_text
    from rfa_runtime.translation_score import TranslationScore, score_translator
    from rfa_runtime.translator import Translator

__version__ = "0.1.0"
__all__ = [
    "Accuracy",
    "Bundle",
    "Classification",
    "Classifier",
    "Decoder",
    "Encoder",
    "Generation",
    "Hypothesis",
    "Piece",
    "RfaRuntimeError",
    "SamplingConfig",
    "Score",
    "SearchConfig",
    "State",
    "StepSession",
    "Translation",
    "TranslationScore",
    "Translator",
    "__version__",
    "convert_lines",
    "read_bundle",
    "read_labelled",
    "read_pairs",
    "read_text",
    "score_classifier",
    "score_text",
    "score_translator",
    "staged_bundle",
    "write_bundle",
]

HOMES = {
    "accuracy": ("Accuracy", "score_classifier"),
    "bundle": ("Bundle", "read_bundle", "staged_bundle", "write_bundle"),
    "classifier": ("Classification", "Classifier"),
    "decoder": ("Decoder",),
    "encoder": ("Encoder",),
    "errors": ("RfaRuntimeError",),
    "generation": ("Generation", "Piece"),
    "labelled_file": ("read_labelled",),
    "line_files": ("convert_lines",),
    "pairs_file": ("read_pairs",),
    "sampling": ("SamplingConfig",),
    "score": ("Score", "score_text"),
    "search": ("Hypothesis", "SearchConfig", "Translation"),
    "session": ("StepSession",),
    "state": ("State",),
    "text": ("read_text",),
    "translation_score": ("TranslationScore", "score_translator"),
    "translator": ("Translator",),
}
"""Modules are loaded when a name of theirs is first used: `rfa-run --help` need not wait for ONNX Runtime."""


def __getattr__(name: str) -> Any:
    """Find a public name in its module (PEP 562)."""
    for module, names in HOMES.items():
        if name in names:
            return getattr(import_module(f"rfa_runtime.{module}"), name)
    raise AttributeError(f"module 'rfa_runtime' has no attribute {name!r}")
