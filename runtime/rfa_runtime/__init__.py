"""Decode Random Feature Attention bundles with ONNX Runtime, in constant memory.

Example:
    import rfa_runtime

    decoder = rfa_runtime.Decoder("model.rfa")
    for piece in decoder.stream("Once upon", max_new_tokens=64, temperature=0.8):
        print(piece.text, end="", flush=True)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rfa_runtime.bar import progress_bar
    from rfa_runtime.bundle.bundle import Bundle, read_bundle, shipped_bundle, staged_bundle, write_bundle
    from rfa_runtime.cluster.convert import convert_on_cluster
    from rfa_runtime.decoding.chat_template import ChatTemplate, Message, chat_template
    from rfa_runtime.decoding.continuation import Request
    from rfa_runtime.decoding.generation import Generation, Hypothesis, Piece, Translation
    from rfa_runtime.decoding.grammar import Grammar
    from rfa_runtime.decoding.sampling_config import SamplingConfig
    from rfa_runtime.decoding.search_config import SearchConfig
    from rfa_runtime.engine.engine import Engine
    from rfa_runtime.engine.scheduler import Pace
    from rfa_runtime.engine.stream import Stream
    from rfa_runtime.errors import RfaRuntimeError
    from rfa_runtime.line_files.answers import Worker
    from rfa_runtime.line_files.convert import convert_lines
    from rfa_runtime.line_files.labelled import read_labelled
    from rfa_runtime.line_files.pairs import read_pairs
    from rfa_runtime.line_files.shards.convert import convert_shards
    from rfa_runtime.line_files.text import read_text
    from rfa_runtime.session.encoder import Encoder
    from rfa_runtime.session.state import State
    from rfa_runtime.session.step import StepSession
    from rfa_runtime.speculation.decoder import SpeculativeDecoder
    from rfa_runtime.speculation.draft_model import DraftModel
    from rfa_runtime.speculation.lookup import Lookup
    from rfa_runtime.tasks.accuracy import Accuracy, score_classifier
    from rfa_runtime.tasks.bleu import TranslationScore, score_translator
    from rfa_runtime.tasks.chat import ChatSession
    from rfa_runtime.tasks.classification import Classification, Classifier
    from rfa_runtime.tasks.conversation import Conversation
    from rfa_runtime.tasks.language import Decoder
    from rfa_runtime.tasks.lines import ClassifyLines, ContinueLines, LineJob, TranslateLines
    from rfa_runtime.tasks.perplexity import Score, score_text
    from rfa_runtime.tasks.translation import Translator

__version__ = "0.1.0"
__all__ = [
    "Accuracy",
    "Bundle",
    "ChatSession",
    "ChatTemplate",
    "Classification",
    "Classifier",
    "ClassifyLines",
    "ContinueLines",
    "Conversation",
    "Decoder",
    "DraftModel",
    "Encoder",
    "Engine",
    "Generation",
    "Grammar",
    "Hypothesis",
    "LineJob",
    "Lookup",
    "Message",
    "Pace",
    "Past",
    "Piece",
    "Request",
    "RfaRuntimeError",
    "SamplingConfig",
    "Score",
    "SearchConfig",
    "SpeculativeDecoder",
    "State",
    "StepSession",
    "Stream",
    "TranslateLines",
    "Translation",
    "TranslationScore",
    "Translator",
    "Worker",
    "__version__",
    "chat_template",
    "convert_lines",
    "convert_on_cluster",
    "convert_shards",
    "progress_bar",
    "read_bundle",
    "read_labelled",
    "read_pairs",
    "read_text",
    "score_classifier",
    "score_text",
    "score_translator",
    "shipped_bundle",
    "staged_bundle",
    "write_bundle",
]

HOMES = {
    "bar": ("progress_bar",),
    "bundle.bundle": ("Bundle", "read_bundle", "shipped_bundle", "staged_bundle", "write_bundle"),
    "cluster.convert": ("convert_on_cluster",),
    "decoding.chat_template": ("ChatTemplate", "Message", "chat_template"),
    "decoding.continuation": ("Request",),
    "decoding.generation": ("Generation", "Hypothesis", "Piece", "Translation"),
    "decoding.grammar": ("Grammar",),
    "decoding.past": ("Past",),
    "decoding.sampling_config": ("SamplingConfig",),
    "decoding.search_config": ("SearchConfig",),
    "engine.engine": ("Engine",),
    "engine.scheduler": ("Pace",),
    "engine.stream": ("Stream",),
    "errors": ("RfaRuntimeError",),
    "line_files.answers": ("Worker",),
    "line_files.convert": ("convert_lines",),
    "line_files.shards.convert": ("convert_shards",),
    "line_files.labelled": ("read_labelled",),
    "line_files.pairs": ("read_pairs",),
    "line_files.text": ("read_text",),
    "session.encoder": ("Encoder",),
    "session.state": ("State",),
    "session.step": ("StepSession",),
    "speculation.decoder": ("SpeculativeDecoder",),
    "speculation.draft_model": ("DraftModel",),
    "speculation.lookup": ("Lookup",),
    "tasks.accuracy": ("Accuracy", "score_classifier"),
    "tasks.bleu": ("TranslationScore", "score_translator"),
    "tasks.chat": ("ChatSession",),
    "tasks.classification": ("Classification", "Classifier"),
    "tasks.conversation": ("Conversation",),
    "tasks.language": ("Decoder",),
    "tasks.lines": ("ClassifyLines", "ContinueLines", "LineJob", "TranslateLines"),
    "tasks.perplexity": ("Score", "score_text"),
    "tasks.translation": ("Translator",),
}
"""Modules are loaded when a name of theirs is first used: `rfa-run --help` need not wait for ONNX Runtime."""


def __getattr__(name: str) -> Any:
    """Find a public name in its module (PEP 562)."""
    for module, names in HOMES.items():
        if name in names:
            return getattr(import_module(f"rfa_runtime.{module}"), name)
    raise AttributeError(f"module 'rfa_runtime' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names, whether they are loaded yet or not: an editor shows them."""
    return __all__
