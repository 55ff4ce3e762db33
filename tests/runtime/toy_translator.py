"""A translator of a few nodes, written by hand, with both kinds of memory of its source, and its float64 reference.

Letters: B rows, T target tokens, M source tokens.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import ModelProto, NodeProto, ValueInfoProto, helper, numpy_helper
from toy_bundles import INPUTS, OUTPUTS, byte_tokenizer
from toy_graphs import DECAY, IDS, VOCAB, WIDTH, tensor

from rfa_runtime.bundle.bundle import Bundle, read_bundle, write_bundle
from rfa_runtime.bundle.manifest import GraphSpec, Manifest, SpecialIds, StateSpec

START, END = 255, 256
HEADS, KEY = 1, 8
RECURRENT, CACHE = ["batch", HEADS, KEY, KEY], ["batch", HEADS, "capacity", KEY]
KEYS, MASK = ["batch", HEADS, "source", KEY], ["batch", "source"]
CROSS = {
    "rfa": {"cross_key_values.0.recurrent_state": (RECURRENT, np.float32)},
    "softmax": {
        "cross_key_values.0.key": (KEYS, np.float32),
        "cross_key_values.0.value": (KEYS, np.float32),
        "cross_key_values.mask": (MASK, np.int32),
    },
}
STATES = {
    "rfa": [("recurrent", "past.0.state", "present.0.state", RECURRENT)],
    "softmax": [("cache", f"past.0.{name}", f"present.0.{name}", CACHE) for name in ("key", "value")],
}
COUNTERS = {"seqlens_k": ["batch"], "total_sequence_length": []}
ENCODER_INPUTS = ("input_ids", "attention_mask", "position_ids")
SOURCE = {"source": "sequence"}
"""What the decoder calls the source, the encoder calls its sequence."""
EAGER = {"rfa": 2.0, "softmax": 3.0}
"""How much larger the end's logits are than others, so that some texts end soon, some late and some never."""


def weights(kind: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shapes = dict.fromkeys(("w_query", "w_key", "w_value", "w_ask", "source_key", "source_value"), (WIDTH, KEY))
    shapes |= {"embed": (VOCAB, WIDTH), "mix": (KEY, WIDTH), "read": (KEY, WIDTH), "head": (WIDTH, VOCAB)}
    shapes |= {"direction": (WIDTH,)}
    found = {name: rng.standard_normal(shape).astype(np.float32) * 0.4 for name, shape in shapes.items()}
    found["head"][:, END] *= EAGER[kind]
    return found


def encoder_graph(kind: str) -> ModelProto:
    """Keys and values of the source, summed up or side by side."""
    n = helper.make_node
    nodes = [
        *embedded(),
        n("MatMul", ["hidden", "source_key"], ["key"]),
        n("MatMul", ["hidden", "source_value"], ["value"]),
    ]
    if kind == "rfa":
        nodes += [
            n("Cast", ["attention_mask"], ["kept"], to=1),
            n("Unsqueeze", ["kept", "last_axis"], ["column"]),
            n("Mul", ["key", "column"], ["masked"]),
            n("Transpose", ["masked"], ["turned"], perm=[0, 2, 1]),
            n("MatMul", ["turned", "value"], ["sums"]),
            n("Unsqueeze", ["sums", "head_axis"], ["cross_key_values.0.recurrent_state"]),
        ]
    else:
        nodes += [
            n("Unsqueeze", ["key", "head_axis"], ["cross_key_values.0.key"]),
            n("Unsqueeze", ["value", "head_axis"], ["cross_key_values.0.value"]),
            n("Cast", ["attention_mask"], ["cross_key_values.mask"], to=6),
        ]
    inputs = [tensor(name, IDS, np.int64) for name in ENCODER_INPUTS]
    outputs = [(name, [SOURCE.get(dim, dim) for dim in shape], dtype) for name, (shape, dtype) in CROSS[kind].items()]
    return model(kind, nodes, inputs, [tensor(*output) for output in outputs])


def step_graph(kind: str) -> ModelProto:
    """Attention to the target so far, and attention to the source."""
    n = helper.make_node
    nodes = [
        *embedded(),
        *(n("MatMul", ["hidden", f"w_{name}"], [name]) for name in ("query", "key", "value", "ask")),
        *attend(kind),
        n("Unsqueeze", ["ask", "head_axis"], ["question"]),
        *read(kind),
        n("Squeeze", ["answer", "head_axis"], ["found"]),
        n("MatMul", ["attended", "mix"], ["mixed"]),
        n("MatMul", ["found", "read"], ["told"]),
        n("Sum", ["hidden", "mixed", "told"], ["summed"]),
        n("Tanh", ["summed"], ["bounded"]),
        n("Slice", ["bounded", "minus_one", "end", "time_axis"], ["last"]),
        n("MatMul", ["last", "head"], ["logits"]),
    ]
    outputs = [tensor("logits", ["batch", 1, VOCAB])]
    outputs += [tensor(present, shape) for _, _, present, shape in STATES[kind]]
    if kind == "rfa":
        nodes.append(n("TopK", ["logits", "time_axis"], ["top_logit", "top_token"]))
        outputs += [tensor("top_logit", ["batch", 1, 1]), tensor("top_token", ["batch", 1, 1], np.int64)]
    inputs = [tensor(name, IDS, np.int64) for name in ("input_ids", "position_ids")]
    if kind == "softmax":
        inputs += [tensor(name, shape, np.int32) for name, shape in COUNTERS.items()]
    inputs += [tensor(past, shape) for _, past, _, shape in STATES[kind]]
    inputs += [tensor(name, shape, dtype) for name, (shape, dtype) in CROSS[kind].items()]
    return model(kind, nodes, inputs, outputs)


def embedded() -> list[NodeProto]:
    """Nodes from ids and positions to `hidden` [B, T, WIDTH]."""
    n = helper.make_node
    return [
        n("Gather", ["embed", "input_ids"], ["token"]),
        n("Cast", ["position_ids"], ["position"], to=1),
        n("Sin", ["position"], ["wave"]),
        n("Unsqueeze", ["wave", "last_axis"], ["height"]),
        n("Mul", ["height", "direction"], ["offset"]),
        n("Add", ["token", "offset"], ["hidden"]),
    ]


def attend(kind: str) -> list[NodeProto]:
    """Nodes from `query`, `key`, `value` to `attended`, all [B, T, KEY]: by a state that decays, or by a cache."""
    n, settings = helper.make_node, {"domain": "com.microsoft", "kv_num_heads": HEADS}
    if kind == "rfa":
        inputs, outputs = ["query", "key", "value", "past.0.state", "decay"], ["attended", "present.0.state"]
        return [
            n("Mul", ["height", "zero"], ["nothing"]),
            n("Add", ["nothing", "log_decay"], ["decay"]),
            n("LinearAttention", inputs, outputs, q_num_heads=HEADS, update_rule="gated", scale=1.0, **settings),
        ]
    inputs = ["query", "key", "value", "past.0.key", "past.0.value", *COUNTERS]
    outputs = ["attended", "present.0.key", "present.0.value"]
    return [n("GroupQueryAttention", inputs, outputs, num_heads=HEADS, **settings)]


def read(kind: str) -> list[NodeProto]:
    """Nodes from `question` [B, 1, T, KEY] to `answer` [B, 1, T, KEY]."""
    n = helper.make_node
    if kind == "rfa":
        return [n("MatMul", ["question", "cross_key_values.0.recurrent_state"], ["answer"])]
    return [
        n("Transpose", ["cross_key_values.0.key"], ["turned"], perm=[0, 1, 3, 2]),
        n("MatMul", ["question", "turned"], ["scores"]),
        n("Cast", ["cross_key_values.mask"], ["kept"], to=1),
        n("Sub", ["kept", "unit"], ["left_out"]),
        n("Mul", ["left_out", "large"], ["bias"]),
        n("Unsqueeze", ["bias", "mask_axes"], ["wide_bias"]),
        n("Add", ["scores", "wide_bias"], ["masked"]),
        n("Softmax", ["masked"], ["weights"], axis=-1),
        n("MatMul", ["weights", "cross_key_values.0.value"], ["answer"]),
    ]


def model(kind: str, nodes: list[NodeProto], inputs: list[ValueInfoProto], outputs: list[ValueInfoProto]) -> ModelProto:
    constants = weights(kind) | {
        "last_axis": np.array([2]),
        "head_axis": np.array([1]),
        "time_axis": np.array([1]),
        "mask_axes": np.array([1, 2]),
        "minus_one": np.array([-1]),
        "end": np.array([np.iinfo(np.int64).max]),
        "zero": np.zeros((), np.float32),
        "unit": np.ones((), np.float32),
        "large": np.array(1e9, np.float32),
        "log_decay": np.full(HEADS, np.log(DECAY), np.float32),
    }
    used = {name for node in nodes for name in node.input}
    tensors = [numpy_helper.from_array(array, name) for name, array in constants.items() if name in used]
    graph = helper.make_graph(nodes, "toy", inputs, outputs, tensors)
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def reference_logits(source: list[int], target: list[int], kind: str = "rfa") -> np.ndarray:
    """What the graphs compute for one source and target, in float64.  -> [T, VOCAB]."""
    w = {name: array.astype(np.float64) for name, array in weights(kind).items()}
    hidden, told = (w["embed"][ids] + np.sin(np.arange(len(ids)))[:, None] * w["direction"] for ids in (target, source))
    q, k, v, ask = (hidden @ w[f"w_{name}"] for name in ("query", "key", "value", "ask"))
    age = np.arange(len(target))[:, None] - np.arange(len(target))
    own, scores = q @ k.T, ask @ (told @ w["source_key"]).T
    if kind == "rfa":
        own = np.where(age >= 0, own * DECAY ** np.maximum(age, 0), 0)
    else:
        own, scores = softmax(np.where(age >= 0, own / np.sqrt(KEY), -np.inf)), softmax(scores)
    attended, found = own @ v, scores @ (told @ w["source_value"])
    return np.tanh(hidden + attended @ w["mix"] + found @ w["read"]) @ w["head"]


def softmax(scores: np.ndarray) -> np.ndarray:
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return np.asarray(weights / weights.sum(-1, keepdims=True))


def write_toy_translator(path: Path, kind: str = "rfa", eos: int | None = END) -> Bundle:
    """A bundle of the toy."""
    cross = tuple(CROSS[kind])
    graphs = {
        "encoder": GraphSpec("encoder.onnx", "ort", ENCODER_INPUTS, "none", cross),
        "model": GraphSpec("model.onnx", "ort", INPUTS[kind], "last", OUTPUTS[kind]),
    }
    states = [StateSpec(kind, past, present, "float32", tuple(shape)) for kind, past, present, shape in STATES[kind]]
    states += [
        StateSpec("cross", name, name, np.dtype(dtype).name, tuple(shape))
        for name, (shape, dtype) in CROSS[kind].items()
    ]
    manifest = Manifest("tests 0", "translation", VOCAB, graphs, tuple(states), SpecialIds(START, eos))
    files = {
        "encoder.onnx": encoder_graph(kind).SerializeToString(),
        "model.onnx": step_graph(kind).SerializeToString(),
        "tokenizer.json": byte_tokenizer().to_str().encode(),
    }
    write_bundle(path, manifest, files)
    return read_bundle(path)
