"""Softmax attention for onnxruntime-genai: the strongest export's graph, with what that library hands over.

It hands over a mask of all tokens so far in place of their number, and keeps the cache in one buffer itself.
"""

from __future__ import annotations

import json
from pathlib import Path

import onnx_ir as ir
from onnx_ir.tape import Tape

from rfa_export.graph.edit import insert_before, integers
from rfa_export.targets.genai import CONFIG
from rfa_export.tasks.step_graph import STEP_OUTPUTS
from rfa_models.networks.language_model_config import ModelConfig
from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.bundle.interface import LOGITS, MODEL, SEQLENS_K, TOTAL_SEQUENCE_LENGTH

FILE = "softmax.genai.onnx"
MASK = "attention_mask"
LONGEST = 1 << 20
"""Tokens of a text: a search says how many it wants."""


def write_for_genai(bundle: Path, config: ModelConfig) -> Path:
    """Write the graph and its configuration beside the graph that it is made of.  Returns the folder."""
    graph = read_bundle(bundle, check_hashes=False).graph(MODEL)
    model = ir.load(bundle / graph.file)
    count_by_mask(model)
    for value in list(model.graph.outputs):
        if value.name in STEP_OUTPUTS and value.name != LOGITS:
            model.graph.outputs.remove(value)
    ir.save(model, bundle / FILE)
    (bundle / CONFIG).write_text(json.dumps(configuration(model, config), indent=2) + "\n", encoding="utf-8")
    return bundle


def count_by_mask(model: ir.Model) -> None:
    """Compute from the mask [B, T] what counted the tokens: the last one's place in each text, and their number."""
    inputs = {value.name: value for value in model.graph.inputs}
    places = inputs[SEQLENS_K]
    number = inputs[TOTAL_SEQUENCE_LENGTH]
    mask = ir.Value(name=MASK, type=ir.TensorType(ir.DataType.INT64), shape=ir.Shape(["batch", "total"]))
    tape = Tape()
    counts = tape.op("ReduceSum", [mask, integers(model, 1)], {"keepdims": 0})
    last = tape.op("Sub", [counts, integers(model, 1)])
    length = tape.op("Gather", [tape.op("Shape", [mask]), integers(model, 1)])
    for old, new in ((places, last), (number, length)):
        cast = tape.op("Cast", [new], {"to": ir.DataType.INT32})
        old.replace_all_uses_with(cast)
        model.graph.inputs.remove(old)
    model.graph.inputs.append(mask)
    insert_before(model.graph[0], *tape.nodes)


def configuration(model: ir.Model, config: ModelConfig) -> dict[str, object]:
    """The contents of genai_config.json."""
    attention = config.attention
    given = [value.name for value in model.graph.inputs if not str(value.name).startswith("past")]
    decoder = {
        "filename": FILE,
        "num_hidden_layers": config.layers,
        "num_attention_heads": attention.heads,
        "num_key_value_heads": attention.heads,
        "head_size": attention.head_dim,
        "hidden_size": attention.width,
        "inputs": {
            **{name: name for name in given},
            "past_key_names": "past_key_values.%d.key",
            "past_value_names": "past_key_values.%d.value",
        },
        "outputs": {LOGITS: LOGITS, "present_key_names": "present.%d.key", "present_value_names": "present.%d.value"},
    }
    body = {
        "type": "decoder",
        "vocab_size": config.vocab_size,
        "context_length": LONGEST,
        "eos_token_id": 0,
        "pad_token_id": 0,
        "decoder": decoder,
    }
    return {"model": body, "search": {"do_sample": False, "max_length": LONGEST, "past_present_share_buffer": True}}
