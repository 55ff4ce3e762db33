"""The step graph as an expert would write it by hand: what the exported one is measured against.

The same operators in the same order, straight from the layer's equations, with weights of the given shape at random.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper

from rfa_bench.subjects.handwritten_attention import (
    DOMAIN,
    NORMALIZER,
    SUMS,
    GraphWriter,
    past,
    present,
    write_attention,
    write_attention_constants,
)
from rfa_models.networks.language_model_config import ModelConfig
from rfa_runtime.bundle.interface import INPUT_IDS, LOGITS, POSITION_IDS, TOP_LOGIT, TOP_TOKEN


class Stream(NamedTuple):
    """The residual stream between two blocks, and what the block before adds to it: the next normalization sums up."""

    residual: str
    branch: str
    bias: str = ""
    """Of the branch; empty where it has none."""


def write_step_graph(config: ModelConfig, file: Path) -> None:
    """Write the ungated Gaussian step graph of this shape, float32, with its weights in a file beside it."""
    g = GraphWriter()
    write_constants(g, config)
    write_attention_constants(g, config)
    embedding = g.weight("embedding", config.vocab_size, config.width)
    stream = write_embedding(g, config, embedding)
    for layer in range(config.layers):
        stream = write_layer(g, config, layer, stream)
    normed, _ = skip_norm(g, "final", config.width, stream)
    write_head(g, normed, embedding)
    graph = helper.make_graph(g.nodes, "handwritten", inputs_of(config), outputs_of(config), g.weights)
    opsets = [helper.make_opsetid("", 23), helper.make_opsetid(DOMAIN, 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=11)
    onnx.save(model, file, save_as_external_data=True, location=f"{file.name}.data")


def inputs_of(config: ModelConfig) -> list[onnx.ValueInfoProto]:
    """Tokens, their positions, and a past state for each layer."""
    inputs = [
        helper.make_tensor_value_info(INPUT_IDS, TensorProto.INT64, ["batch", "sequence"]),
        helper.make_tensor_value_info(POSITION_IDS, TensorProto.INT64, ["batch", "sequence"]),
    ]
    for layer in range(config.layers):
        for state, shape in states_of(config).items():
            inputs.append(helper.make_tensor_value_info(past(layer, state), TensorProto.FLOAT, shape))
    return inputs


def outputs_of(config: ModelConfig) -> list[onnx.ValueInfoProto]:
    """Logits of the last token, the most likely token with its logit, and a present state for each layer."""
    outputs = [
        helper.make_tensor_value_info(LOGITS, TensorProto.FLOAT, ["batch", 1, config.vocab_size]),
        helper.make_tensor_value_info(TOP_LOGIT, TensorProto.FLOAT, ["batch", 1, 1]),
        helper.make_tensor_value_info(TOP_TOKEN, TensorProto.INT64, ["batch", 1, 1]),
    ]
    for layer in range(config.layers):
        for state, shape in states_of(config).items():
            outputs.append(helper.make_tensor_value_info(present(layer, state), TensorProto.FLOAT, shape))
    return outputs


def states_of(config: ModelConfig) -> dict[str, list[int | str]]:
    """The states of a layer and their shapes: sums of values, and of ones."""
    attention = config.attention
    heads = attention.heads
    features = attention.features
    return {SUMS: ["batch", heads, features, attention.head_dim], NORMALIZER: ["batch", heads, features, 1]}


def write_constants(g: GraphWriter, config: ModelConfig) -> None:
    """Shapes and scalars outside the attention."""
    g.constant("last_start", [-1], np.int64)
    g.constant("last_end", [2**62], np.int64)
    g.constant("axis_1", [1], np.int64)
    g.constant("axis_2", [2], np.int64)
    g.constant("top_count", [1], np.int64)
    g.constant("embedding_scale", math.sqrt(config.width))


def write_embedding(g: GraphWriter, config: ModelConfig, embedding: str) -> Stream:
    """Scaled vectors of the tokens, and their positions beside them."""
    vectors = g.node("Gather", [embedding, INPUT_IDS], "tokens")
    scaled = g.node("Mul", [vectors, "embedding_scale"], "scaled")
    return Stream(scaled, write_positions(g, config.width))


def write_positions(g: GraphWriter, width: int) -> str:
    """Sinusoids of position_ids."""
    g.constant("frequency", np.exp(np.arange(width // 2) * (-2 * math.log(10_000.0) / width)))
    column = g.node("Unsqueeze", [POSITION_IDS, "axis_2"], "position_column")
    number = g.node("Cast", [column], "position_number", to=TensorProto.FLOAT)
    angle = g.node("Mul", [number, "frequency"], "angle")
    waves = [g.node("Sin", [angle], "position_sin"), g.node("Cos", [angle], "position_cos")]
    return g.node("Concat", waves, "positions", axis=-1)


def write_layer(g: GraphWriter, config: ModelConfig, layer: int, stream: Stream) -> Stream:
    """One layer: attention, then two products with a GELU between them, each after a normalization."""
    width = config.width
    normed, residual = skip_norm(g, f"{layer}.attention", width, stream)
    attended = write_attention(g, config, layer, normed)
    branch = g.node("MatMul", [attended, g.weight(f"{layer}.out", width, width)], f"{layer}.out_product")
    stream = Stream(residual, branch, g.weight(f"{layer}.out_bias", width))
    normed, residual = skip_norm(g, f"{layer}.mlp", width, stream)
    hidden = g.node("MatMul", [normed, g.weight(f"{layer}.up", width, config.mlp_width)], f"{layer}.up_product")
    hidden = g.node("BiasGelu", [hidden, g.weight(f"{layer}.up_bias", config.mlp_width)], f"{layer}.gelu", DOMAIN)
    branch = g.node("MatMul", [hidden, g.weight(f"{layer}.down", config.mlp_width, width)], f"{layer}.down_product")
    return Stream(residual, branch, g.weight(f"{layer}.down_bias", width))


def skip_norm(g: GraphWriter, name: str, width: int, stream: Stream) -> tuple[str, str]:
    """Add the branch to the residual stream and normalize the sum.  Returns the normalized sum, and the sum."""
    gamma = g.constant(f"{name}.gamma", np.ones(width))
    beta = g.constant(f"{name}.beta", np.zeros(width))
    inputs = [stream.branch, stream.residual, gamma, beta]
    if stream.bias:
        inputs.append(stream.bias)
    outputs = [f"{name}.normed", "", "", f"{name}.residual"]
    g.node("SkipLayerNormalization", inputs, outputs, DOMAIN, epsilon=1e-5)
    return outputs[0], outputs[3]


def write_head(g: GraphWriter, normed: str, embedding: str) -> None:
    """Logits of the last token, and the most likely token."""
    last = g.node("Slice", [normed, "last_start", "last_end", "axis_1"], "last")
    head = g.node("Transpose", [embedding], "head", perm=[1, 0])
    logits = g.node("MatMul", [last, head], LOGITS)
    g.node("TopK", [logits, "top_count"], [TOP_LOGIT, TOP_TOKEN])
