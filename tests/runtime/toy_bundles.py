"""Toy bundles with a byte tokenizer, and a Python beside this one that knows them too."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from toy_graphs import CACHE, RECURRENT, VOCAB, rfa_graph, softmax_graph

from rfa_runtime.bundle.manifest import GraphSpec, Manifest, StateSpec

END = 256
GRAPHS = {"rfa": rfa_graph, "softmax": softmax_graph}
INPUTS = {
    "rfa": ("input_ids", "position_ids"),
    "softmax": ("input_ids", "position_ids", "seqlens_k", "total_sequence_length"),
}
OUTPUTS = {"rfa": ("logits", "top_logit", "top_token"), "softmax": ("logits",)}
STATES = {
    "rfa": (StateSpec("recurrent", "past.0.state", "present.0.state", "float32", tuple(RECURRENT)),),
    "softmax": tuple(
        StateSpec("cache", f"past.0.{name}", f"present.0.{name}", "float32", tuple(CACHE)) for name in ("key", "value")
    ),
}


def byte_tokenizer() -> Tokenizer:
    """Ids are bytes; 256 ends the text."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = iter(range(256, 512))
    symbols = [chr(byte if byte in printable else next(others)) for byte in range(256)]
    tokenizer = Tokenizer(models.BPE(vocab={symbol: byte for byte, symbol in enumerate(symbols)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<end>"])
    return tokenizer


def toy_manifest(kind: str = "rfa", **changes: Any) -> Manifest:
    graphs = {
        "model": GraphSpec("model.onnx", "ort", INPUTS[kind], "last", OUTPUTS[kind]),
        "score": GraphSpec("model.score.onnx", "ort", INPUTS[kind], "all"),
    }
    manifest = Manifest("tests 0", "language-model", VOCAB, graphs, STATES[kind], scoring={"segment_length": 16})
    return replace(manifest, **changes)


def toy_files(kind: str = "rfa") -> dict[str, bytes]:
    return {
        "model.onnx": GRAPHS[kind]("last").SerializeToString(),
        "model.score.onnx": GRAPHS[kind]("all").SerializeToString(),
        "tokenizer.json": byte_tokenizer().to_str().encode(),
    }


def environment() -> dict[str, str]:
    """For another Python that finds what this one finds."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
