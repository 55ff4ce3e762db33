"""Classifiers of a few nodes: the mean of token vectors, and a matrix that makes classes of it.

Letters: B texts, T tokens, C classes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from toy_bundles import byte_tokenizer
from toy_graphs import VOCAB, tensor

from rfa_runtime.bundle.bundle import Bundle, read_bundle, write_bundle
from rfa_runtime.bundle.manifest import GraphSpec, Manifest

LABELS = ("red", "green", "blue")
WIDTH = 6
INPUTS = ("input_ids", "attention_mask", "position_ids")


def toy_weights() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    shapes = {"embed": (VOCAB, WIDTH), "direction": (WIDTH,), "head": (WIDTH, len(LABELS))}
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def classifier_graph(pairs: bool = False) -> ModelProto:
    prefixes = ("", "pair_")[: 1 + pairs]
    nodes = [node for prefix in prefixes for node in mean_of_tokens(prefix)]
    if pairs:
        nodes.append(helper.make_node("Sub", ["mean", "pair_mean"], ["difference"]))
    nodes.append(helper.make_node("MatMul", ["difference" if pairs else "mean", "head"], ["logits"]))
    inputs = [tensor(prefix + name, ["batch", prefix + "sequence"], np.int64) for prefix in prefixes for name in INPUTS]
    constants = toy_weights() | {"last": np.array([-1]), "time": np.array([1])}
    graph = helper.make_graph(
        nodes,
        "toy",
        inputs,
        [tensor("logits", ["batch", len(LABELS)])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def mean_of_tokens(prefix: str) -> list[NodeProto]:
    """Ids [B, T] to the mean [B, WIDTH] of the vectors that the mask keeps."""

    def node(kind: str, inputs: list[str], output: str, **attributes: Any) -> NodeProto:
        known = {*toy_weights(), "last", "time"}
        names = [name if name in known else prefix + name for name in inputs]
        return helper.make_node(kind, names, [prefix + output], **attributes)

    return [
        node("Gather", ["embed", "input_ids"], "embedded"),
        node("Cast", ["position_ids"], "position", to=TensorProto.FLOAT),
        node("Sin", ["position"], "wave"),
        node("Unsqueeze", ["wave", "last"], "column"),
        node("Mul", ["column", "direction"], "offset"),
        node("Add", ["embedded", "offset"], "hidden"),
        node("Cast", ["attention_mask"], "mask", to=TensorProto.FLOAT),
        node("Unsqueeze", ["mask", "last"], "weight"),
        node("Mul", ["hidden", "weight"], "kept"),
        node("ReduceSum", ["kept", "time"], "sum", keepdims=0),
        node("ReduceSum", ["mask", "time"], "count", keepdims=1),
        node("Div", ["sum", "count"], "mean"),
    ]


def reference_probabilities(text: str, pair: str | None = None, max_tokens: int = 0) -> np.ndarray:
    """What the graph computes, for one text, in float64.  Returns [C]."""
    w = {name: array.astype(np.float64) for name, array in toy_weights().items()}

    def mean(words: str) -> np.ndarray:
        ids = np.array(list(words.encode())[: max_tokens or None])
        return (w["embed"][ids] + np.sin(np.arange(len(ids)))[:, None] * w["direction"]).mean(0)

    logits = (mean(text) if pair is None else mean(text) - mean(pair)) @ w["head"]
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()


def classifier_manifest(pairs: bool = False, **changes: Any) -> Manifest:
    inputs = tuple(prefix + name for prefix in ("", "pair_")[: 1 + pairs] for name in INPUTS)
    graphs = {"model": GraphSpec("model.onnx", "ort", inputs, "sequence")}
    manifest = Manifest("tests 0", "classification", VOCAB, graphs, (), labels=LABELS)
    return replace(manifest, **changes)


def write_classifier(path: Path, pairs: bool = False, files: dict[str, bytes] | None = None, **changes: Any) -> Bundle:
    """Write and read a toy classifier.  files: in place of its own."""
    own = {
        "model.onnx": classifier_graph(pairs).SerializeToString(),
        "tokenizer.json": byte_tokenizer().to_str().encode(),
    }
    write_bundle(path, classifier_manifest(pairs, **changes), own | (files or {}))
    return read_bundle(path)
