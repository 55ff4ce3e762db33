"""Step graphs of a few nodes, written by hand: the runtime is tested without exporter and without torch.

Letters: B rows, T tokens.
"""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

HEADS, KEY, WIDTH, VOCAB = 2, 8, 16, 257
"""Heads, width of a head's keys and values, model width; the 256 bytes and a token for the end."""
DECAY = 0.9
RECURRENT, CACHE = ["batch", HEADS, KEY, KEY], ["batch", HEADS, "capacity", KEY]
IDS = ["batch", "sequence"]


def toy_weights(seed: int = 0) -> dict[str, np.ndarray]:
    """Random weights, large enough that a greedy text does not stick to one token."""
    rng = np.random.default_rng(seed)
    shapes = {"embed": (VOCAB, WIDTH), "direction": (WIDTH,), "head": (WIDTH, VOCAB)}
    shapes |= dict.fromkeys(("w_query", "w_key", "w_value"), (WIDTH, HEADS * KEY))
    scale = {"embed": 1.0, "direction": 1.0}
    return {
        name: (scale.get(name, 0.3) * rng.standard_normal(shape)).astype(np.float32) for name, shape in shapes.items()
    }


def rfa_graph(logits: str = "last", seed: int = 0) -> ModelProto:
    """Attention by a recurrent state that decays."""
    node = helper.make_node(
        "LinearAttention",
        ["query", "key", "value", "past.0.state", "log_decay"],
        ["attended", "present.0.state"],
        domain="com.microsoft",
        q_num_heads=HEADS,
        kv_num_heads=HEADS,
        update_rule="gated",
        scale=1.0,
    )
    # The decay is the same everywhere, yet the operator wants it for every token: [B, T, 1] x [1, heads].
    decay = [
        helper.make_node("Mul", ["offset_of_token", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "log_decays"], ["log_decay"]),
    ]
    constants = toy_weights(seed) | {
        "zero": np.zeros((), np.float32),
        "log_decays": np.full(HEADS, np.log(DECAY), np.float32),
    }
    inputs = [tensor("input_ids", IDS, np.int64), tensor("position_ids", IDS, np.int64)]
    states = [("past.0.state", "present.0.state", RECURRENT)]
    return model([*before(), *decay, node], constants, inputs, states, logits, top=logits == "last")


def softmax_graph(logits: str = "last", seed: int = 0) -> ModelProto:
    """Attention over a cache."""
    node = helper.make_node(
        "GroupQueryAttention",
        ["query", "key", "value", "past.0.key", "past.0.value", "seqlens_k", "total_sequence_length"],
        ["attended", "present.0.key", "present.0.value"],
        domain="com.microsoft",
        num_heads=HEADS,
        kv_num_heads=HEADS,
    )
    inputs = [tensor("input_ids", IDS, np.int64), tensor("position_ids", IDS, np.int64)]
    inputs += [tensor("seqlens_k", ["batch"], np.int32), tensor("total_sequence_length", [], np.int32)]
    states = [(f"past.0.{name}", f"present.0.{name}", CACHE) for name in ("key", "value")]
    return model([*before(), node], toy_weights(seed), inputs, states, logits)


def before() -> list[NodeProto]:
    """Ids and positions to query, key and value [B, T, HEADS * KEY]."""
    return [
        helper.make_node("Gather", ["embed", "input_ids"], ["embedded"]),
        helper.make_node("Cast", ["position_ids"], ["position"], to=TensorProto.FLOAT),
        helper.make_node("Sin", ["position"], ["wave"]),
        helper.make_node("Unsqueeze", ["wave", "last_axis"], ["offset_of_token"]),
        helper.make_node("Mul", ["offset_of_token", "direction"], ["offset"]),
        helper.make_node("Add", ["embedded", "offset"], ["hidden"]),
        *(helper.make_node("MatMul", ["hidden", f"w_{name}"], [name]) for name in ("query", "key", "value")),
    ]


def model(
    nodes: list[NodeProto],
    constants: dict[str, np.ndarray],
    inputs: list[ValueInfoProto],
    states: list[tuple[str, str, list[str | int]]],
    logits: str,
    top: bool = False,
) -> ModelProto:
    """Add the residual, the last position where only that is wanted, the head, and the search for the top token."""
    constants = constants | {"last_axis": np.array([2]), "minus_one": np.array([-1]), "time_axis": np.array([1])}
    constants["one"] = np.array([1])
    constants["end"] = np.array([np.iinfo(np.int64).max])
    after = [helper.make_node("Add", ["hidden", "attended"], ["mixed"])]
    if logits == "last":
        after.append(helper.make_node("Slice", ["mixed", "minus_one", "end", "time_axis"], ["kept"]))
    after.append(helper.make_node("MatMul", ["kept" if logits == "last" else "mixed", "head"], ["logits"]))
    presents = [tensor(present, shape) for _, present, shape in states]
    tops: list[ValueInfoProto] = []
    if top:
        after.append(helper.make_node("TopK", ["logits", "one"], ["top_logit", "top_token"]))
        tops = [tensor("top_logit", ["batch", 1, 1]), tensor("top_token", ["batch", 1, 1], np.int64)]
    graph = helper.make_graph(
        [*nodes, *after],
        "toy",
        [*inputs, *(tensor(past, shape) for past, _, shape in states)],
        [tensor("logits", ["batch", 1 if logits == "last" else "sequence", VOCAB]), *tops, *presents],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def tensor(name: str, shape: list[str | int], dtype: type = np.float32) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)


def reference_logits(ids: np.ndarray, kind: str = "rfa", seed: int = 0) -> np.ndarray:
    """What both graphs compute, in float64, over whole sequences.  ids: [B, T] -> [B, T, VOCAB]."""
    w = {name: array.astype(np.float64) for name, array in toy_weights(seed).items()}
    rows, count = ids.shape
    hidden = w["embed"][ids] + np.sin(np.arange(count))[:, None] * w["direction"]
    q, k, v = (
        (hidden @ w[name]).reshape(rows, count, HEADS, KEY).transpose(0, 2, 1, 3)
        for name in ("w_query", "w_key", "w_value")
    )
    scores = q @ k.swapaxes(-1, -2)
    age = np.arange(count)[:, None] - np.arange(count)
    if kind == "rfa":
        mixing = np.where(age >= 0, scores * DECAY ** np.maximum(age, 0), 0)
    else:
        weight = np.where(age >= 0, np.exp((scores - scores.max(-1, keepdims=True)) / np.sqrt(KEY)), 0)
        mixing = weight / weight.sum(-1, keepdims=True)
    attended = (mixing @ v).transpose(0, 2, 1, 3).reshape(rows, count, HEADS * KEY)
    return (hidden + attended) @ w["head"]
