"""The step graph as an expert would write it by hand: what the exported one is measured against.

The same operators in the same order, straight from the layer's equations, with weights of the given shape at random.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from rfa_models.networks.language_model_config import ModelConfig

DOMAIN = "com.microsoft"
FLOATS = NDArray[np.float32]


class GraphWriter:
    """Collects nodes and weights."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.rng = np.random.default_rng(0)

    def node(self, kind: str, inputs: list[str], outputs: str | list[str], domain: str = "", **attributes: Any) -> str:
        """Append a node.  Returns the name of its first output."""
        names = [outputs] if isinstance(outputs, str) else outputs
        self.nodes.append(helper.make_node(kind, inputs, names, domain=domain, **attributes))
        return names[0]

    def constant(self, name: str, values: object, dtype: type[np.generic] = np.float32) -> str:
        """Add a tensor of given values."""
        self.weights.append(numpy_helper.from_array(np.asarray(values, dtype=dtype), name))
        return name

    def weight(self, name: str, *shape: int) -> str:
        """Add a random tensor, scaled to keep activations of the order of one."""
        return self.constant(name, self.rng.standard_normal(shape, dtype=np.float32) * shape[0] ** -0.5)


def write_step_graph(config: ModelConfig, file: Path) -> None:
    """Write the ungated Gaussian step graph of this shape, float32, with its weights in a file beside it."""
    g, attention, width = GraphWriter(), config.attention, config.width
    heads, values = attention.heads, attention.head_dim + 1
    write_constants(g, config)
    embedding = g.weight("embedding", config.vocab_size, width)
    g.constant("embedding_scale", math.sqrt(width))
    tokens = g.node("Mul", [g.node("Gather", [embedding, "input_ids"], "tokens"), "embedding_scale"], "scaled")
    branch, bias, residual = write_positions(g, width), "", tokens
    for layer in range(config.layers):
        normed, residual = skip_norm(g, f"{layer}.attention", width, branch, residual, bias)
        attended = write_attention(g, config, layer, normed)
        branch = g.node("MatMul", [attended, g.weight(f"{layer}.out", width, width)], f"{layer}.out_product")
        bias = g.weight(f"{layer}.out_bias", width)
        normed, residual = skip_norm(g, f"{layer}.mlp", width, branch, residual, bias)
        hidden = g.node("MatMul", [normed, g.weight(f"{layer}.up", width, config.mlp_width)], f"{layer}.up_product")
        hidden = g.node("BiasGelu", [hidden, g.weight(f"{layer}.up_bias", config.mlp_width)], f"{layer}.gelu", DOMAIN)
        branch = g.node("MatMul", [hidden, g.weight(f"{layer}.down", config.mlp_width, width)], f"{layer}.down_product")
        bias = g.weight(f"{layer}.down_bias", width)
    normed, _ = skip_norm(g, "final", width, branch, residual, bias)
    last = g.node("Slice", [normed, "last_start", "last_end", "axis_1"], "last")
    logits = g.node("MatMul", [last, g.node("Transpose", [embedding], "head", perm=[1, 0])], "logits")
    g.node("TopK", [logits, g.constant("top_count", [1], np.int64)], ["top_logit", "top_token"])

    state: list[int | str] = ["batch", heads, attention.features, values]
    names = range(config.layers)
    graph = helper.make_graph(
        g.nodes,
        "handwritten",
        [
            helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "sequence"]),
            helper.make_tensor_value_info("position_ids", TensorProto.INT64, ["batch", "sequence"]),
            *(helper.make_tensor_value_info(past(n), TensorProto.FLOAT, state) for n in names),
        ],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 1, config.vocab_size]),
            helper.make_tensor_value_info("top_logit", TensorProto.FLOAT, ["batch", 1, 1]),
            helper.make_tensor_value_info("top_token", TensorProto.INT64, ["batch", 1, 1]),
            *(helper.make_tensor_value_info(present(n), TensorProto.FLOAT, state) for n in names),
        ],
        g.weights,
    )
    opsets = [helper.make_opsetid("", 23), helper.make_opsetid(DOMAIN, 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=11)
    onnx.save(model, file, save_as_external_data=True, location=f"{file.name}.data")


def past(layer: int) -> str:
    """The state that a layer reads."""
    return f"past_key_values.{layer}.recurrent_state"


def present(layer: int) -> str:
    """The state that a layer writes."""
    return f"present.{layer}.recurrent_state"


def write_constants(g: GraphWriter, config: ModelConfig) -> None:
    """Shapes and scalars that all layers share."""
    attention = config.attention
    heads, head_dim = attention.heads, attention.head_dim
    g.constant("rows", [0, 0, 2, heads, 1, head_dim], np.int64)
    g.constant("packed", [0, 0, -1], np.int64)
    g.constant("heads", [0, 0, heads, head_dim + 1], np.int64)
    g.constant("qk_v", [2 * config.width, heads * (head_dim + 1)], np.int64)
    g.constant("num_den", [head_dim, 1], np.int64)
    g.constant("unit", np.full(head_dim, head_dim**-0.5))
    g.constant("phase", [[0.0], [math.pi / 2]])
    g.constant("bound_below", -1 / attention.denominator_floor)
    g.constant("bound_above", 1 / attention.denominator_floor)
    for name, value in (("last_start", -1), ("last_end", 2**62), ("axis_1", 1), ("axis_2", 2)):
        g.constant(name, [value], np.int64)


def write_positions(g: GraphWriter, width: int) -> str:
    """Sinusoids of position_ids."""
    g.constant("frequency", np.exp(np.arange(width // 2) * (-2 * math.log(10_000.0) / width)))
    column = g.node("Unsqueeze", ["position_ids", "axis_2"], "position_column")
    number = g.node("Cast", [column], "position_number", to=TensorProto.FLOAT)
    angle = g.node("Mul", [number, "frequency"], "angle")
    waves = [g.node("Sin", [angle], "position_sin"), g.node("Cos", [angle], "position_cos")]
    return g.node("Concat", waves, "positions", axis=-1)


def skip_norm(g: GraphWriter, name: str, width: int, branch: str, residual: str, bias: str) -> tuple[str, str]:
    """Add a branch to the residual stream and normalize.  Returns both."""
    gamma, beta = g.constant(f"{name}.gamma", np.ones(width)), g.constant(f"{name}.beta", np.zeros(width))
    inputs = [branch, residual, gamma, beta] + [bias] * bool(bias)
    outputs = [f"{name}.normed", "", "", f"{name}.residual"]
    g.node("SkipLayerNormalization", inputs, outputs, DOMAIN, epsilon=1e-5)
    return outputs[0], outputs[3]


def write_attention(g: GraphWriter, config: ModelConfig, layer: int, x: str) -> str:
    """One layer's attention up to its output projection: [batch, sequence, E]."""
    a = config.attention
    heads, head_dim, rows = a.heads, a.head_dim, 2 * config.width
    columns = rows + heads * (head_dim + 1)
    product = g.node("MatMul", [x, g.weight(f"{layer}.qkv", config.width, columns)], f"{layer}.qkv_product")
    biased = g.node("Add", [product, g.constant(f"{layer}.qkv_bias", ones_channel(config))], f"{layer}.qkv_biased")
    g.node("Split", [biased, "qk_v"], [f"{layer}.qk", f"{layer}.v"], axis=-1)
    vectors = g.node("Reshape", [f"{layer}.qk", "rows"], f"{layer}.rows")
    unit = g.node("RMSNormalization", [vectors, "unit"], f"{layer}.unit", axis=-1, epsilon=1e-17)
    directions = g.weight(f"{layer}.random", heads, head_dim, a.random_vectors)
    angle = g.node("Add", [g.node("MatMul", [unit, directions], f"{layer}.projected"), "phase"], f"{layer}.angle")
    features = g.node("Reshape", [g.node("Sin", [angle], f"{layer}.sin"), "packed"], f"{layer}.features")
    g.node("Split", [features], [f"{layer}.phi_q", f"{layer}.phi_k"], axis=-1, num_outputs=2)
    inputs = [f"{layer}.phi_q", f"{layer}.phi_k", f"{layer}.v", past(layer)]
    outputs = [f"{layer}.sums", present(layer)]
    settings = {"q_num_heads": heads, "kv_num_heads": heads, "update_rule": "linear", "scale": a.scale**2}
    g.node("LinearAttention", inputs, outputs, DOMAIN, **settings)
    by_head = g.node("Reshape", [f"{layer}.sums", "heads"], f"{layer}.by_head")
    g.node("Split", [by_head, "num_den"], [f"{layer}.num", f"{layer}.den"], axis=-1)
    inverse = g.node("Reciprocal", [f"{layer}.den"], f"{layer}.inverse")
    bounded = g.node("Clip", [inverse, "bound_below", "bound_above"], f"{layer}.bounded")
    return g.node("Reshape", [g.node("Mul", [f"{layer}.num", bounded], f"{layer}.mean"), "packed"], f"{layer}.attended")


def ones_channel(config: ModelConfig) -> FLOATS:
    """The bias of the projection: one for the last channel of each head's values, zero elsewhere."""
    values = np.zeros((config.attention.heads, config.attention.head_dim + 1), dtype=np.float32)
    values[:, -1] = 1
    return np.concatenate([np.zeros(2 * config.width, dtype=np.float32), values.ravel()])
