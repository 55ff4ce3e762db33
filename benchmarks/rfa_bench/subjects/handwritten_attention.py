"""The attention of the hand-written step graph, and what writes nodes and weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from rfa_models.networks.language_model_config import ModelConfig

DOMAIN = "com.microsoft"
SUMS = "recurrent_state"
NORMALIZER = "normalizer_state"
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


def write_attention_constants(g: GraphWriter, config: ModelConfig) -> None:
    """Shapes and scalars that the attention of all layers shares."""
    attention = config.attention
    heads = attention.heads
    head_dim = attention.head_dim
    g.constant("rows", [0, 0, 2, heads, 1, head_dim], np.int64)
    g.constant("packed", [0, 0, -1], np.int64)
    g.constant("qk_v_ones", [2 * config.width, config.width, heads], np.int64)
    g.constant("spread", np.repeat(np.eye(heads), head_dim, axis=1), np.float32)
    g.constant("unit", np.full(head_dim, head_dim**-0.5))
    g.constant("phase", [[0.0], [math.pi / 2]])
    g.constant("bound_below", -1 / attention.denominator_floor)
    g.constant("bound_above", 1 / attention.denominator_floor)


def write_attention(g: GraphWriter, config: ModelConfig, layer: int, x: str) -> str:
    """One layer's attention up to its output projection: [batch, sequence, E]."""
    write_projection(g, config, layer, x)
    write_features(g, config, layer)
    numerator = write_sums(g, config, layer, f"{layer}.v", SUMS)
    denominator = write_sums(g, config, layer, f"{layer}.ones", NORMALIZER)
    return write_mean(g, layer, numerator, denominator)


def write_sums(g: GraphWriter, config: ModelConfig, layer: int, values: str, state: str) -> str:
    """Advance one state of a layer by some values, and read it."""
    attention = config.attention
    heads = attention.heads
    inputs = [f"{layer}.phi_q", f"{layer}.phi_k", values, past(layer, state)]
    outputs = [f"{layer}.{state}_read", present(layer, state)]
    settings = {"q_num_heads": heads, "kv_num_heads": heads, "update_rule": "linear", "scale": attention.scale**2}
    return g.node("LinearAttention", inputs, outputs, DOMAIN, **settings)


def write_projection(g: GraphWriter, config: ModelConfig, layer: int, x: str) -> None:
    """Queries, keys, values, and a one for each head, in one product."""
    columns = 3 * config.width + config.attention.heads
    product = g.node("MatMul", [x, g.weight(f"{layer}.qkv", config.width, columns)], f"{layer}.qkv_product")
    biased = g.node("Add", [product, g.constant(f"{layer}.qkv_bias", ones_behind(config))], f"{layer}.qkv_biased")
    g.node("Split", [biased, "qk_v_ones"], [f"{layer}.qk", f"{layer}.v", f"{layer}.ones"], axis=-1)


def write_features(g: GraphWriter, config: ModelConfig, layer: int) -> None:
    """Sines and cosines of queries and keys of length one, along random directions."""
    attention = config.attention
    vectors = g.node("Reshape", [f"{layer}.qk", "rows"], f"{layer}.rows")
    unit = g.node("RMSNormalization", [vectors, "unit"], f"{layer}.unit", axis=-1, epsilon=1e-17)
    directions = g.weight(f"{layer}.random", attention.heads, attention.head_dim, attention.random_vectors)
    projected = g.node("MatMul", [unit, directions], f"{layer}.projected")
    angle = g.node("Add", [projected, "phase"], f"{layer}.angle")
    features = g.node("Reshape", [g.node("Sin", [angle], f"{layer}.sin"), "packed"], f"{layer}.features")
    g.node("Split", [features], [f"{layer}.phi_q", f"{layer}.phi_k"], axis=-1, num_outputs=2)


def write_mean(g: GraphWriter, layer: int, numerator: str, denominator: str) -> str:
    """The sums of values over the sums of ones, which never come too near to zero."""
    inverse = g.node("Reciprocal", [denominator], f"{layer}.inverse")
    bounded = g.node("Clip", [inverse, "bound_below", "bound_above"], f"{layer}.bounded")
    of_channels = g.node("MatMul", [bounded, "spread"], f"{layer}.of_channels")
    return g.node("Mul", [numerator, of_channels], f"{layer}.attended")


def ones_behind(config: ModelConfig) -> FLOATS:
    """The bias of the projection: ones behind queries, keys and values."""
    zeros = np.zeros(3 * config.width, dtype=np.float32)
    return np.concatenate([zeros, np.ones(config.attention.heads, dtype=np.float32)])


def past(layer: int, state: str) -> str:
    """A state that a layer reads."""
    return f"past_key_values.{layer}.{state}"


def present(layer: int, state: str) -> str:
    """A state that a layer writes."""
    return f"present.{layer}.{state}"
