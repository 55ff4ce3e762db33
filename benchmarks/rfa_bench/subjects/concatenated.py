"""The common export of softmax attention: each step joins the past and the new token, and gives the result back.

It is the strongest export's graph with one operator written out: `GroupQueryAttention`, which adds to a cache in place,
becomes Concat, products and a softmax.  Weights are read from the same file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx_ir as ir
import onnxruntime as ort
from onnx_ir.tape import Tape

from rfa_bench.subjects.bare_steps import past_of
from rfa_export.graph.edit import integers, nodes_of, number, replace_node
from rfa_export.tasks.step_graph import STEP_OUTPUTS
from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.bundle.interface import INPUT_IDS, MODEL, POSITION_IDS, SEQLENS_K, TOTAL_SEQUENCE_LENGTH
from rfa_runtime.session.ort import open_session

FILE = "concatenated.onnx"
HEADS_FIRST = (0, 2, 1, 3)
KEYS_LAST = (0, 1, 3, 2)
LENGTH_AXIS = 2
"""Of a cache [B, H, T, d]."""


def write_concatenated(bundle: Path) -> Path:
    """Write the graph beside the one that it is made of, whose weights it reads.  Returns its path.

    It reads one token a step: a mask of the future, which a prompt would want, is left out.
    """
    graph = read_bundle(bundle, check_hashes=False).graph(MODEL)
    model = ir.load(bundle / graph.file)
    for node in nodes_of(model, "GroupQueryAttention"):
        write_out(model, node)
    for value in list(model.graph.inputs):
        if value.name in (SEQLENS_K, TOTAL_SEQUENCE_LENGTH):
            model.graph.inputs.remove(value)
    name_lengths(model)
    ir.save(model, bundle / FILE)
    return bundle / FILE


def write_out(model: ir.Model, node: ir.Node) -> None:
    """Replace one operator.  It reads queries, keys and values side by side, [B, T, 3 H d]."""
    packed = node.inputs[0]
    past_key, past_value = node.inputs[3:5]
    heads = node.attributes["num_heads"].as_int()
    assert past_key is not None
    assert past_key.shape is not None
    width = past_key.shape[-1]
    assert isinstance(width, int)
    tape = Tape()
    sizes = integers(model, *[heads * width] * 3)
    parts = tape.op_multi_out("Split", [packed, sizes], {"axis": -1}, num_outputs=3)
    query, key, value = (split_heads(model, tape, part, heads, width) for part in parts)
    keys = tape.op("Concat", [past_key, key], {"axis": LENGTH_AXIS})
    values = tape.op("Concat", [past_value, value], {"axis": LENGTH_AXIS})
    scaled = tape.op("Mul", [query, number(model, width**-0.5)])
    scores = tape.op("MatMul", [scaled, tape.op("Transpose", [keys], {"perm": KEYS_LAST})])
    mixed = tape.op("MatMul", [tape.op("Softmax", [scores], {"axis": -1}), values])
    tokens_first = tape.op("Transpose", [mixed], {"perm": HEADS_FIRST})
    output = tape.op("Reshape", [tokens_first, integers(model, 0, 0, heads * width)])
    replace_node(node, tape, output, keys, values)


def split_heads(model: ir.Model, tape: Tape, packed: ir.Value, heads: int, width: int) -> ir.Value:
    """[B, T, H d] -> [B, H, T, d]."""
    split = tape.op("Reshape", [packed, integers(model, 0, 0, heads, width)])
    return tape.op("Transpose", [split], {"perm": HEADS_FIRST})


def name_lengths(model: ir.Model) -> None:
    """Let what goes in have another length than what comes out."""
    for values, name in ((model.graph.inputs, "past"), (model.graph.outputs, "total")):
        for value in values:
            if value.name not in (INPUT_IDS, POSITION_IDS, *STEP_OUTPUTS):
                assert value.shape is not None
                value.shape = ir.Shape([*value.shape[:LENGTH_AXIS], name, *value.shape[LENGTH_AXIS + 1 :]])


class ConcatenatedSteps:
    """Steps of that graph.  What a step gives goes into the next one without being copied in between."""

    def __init__(self, graph: Path, threads: int, batch: int, context: int) -> None:
        """Load the graph, and fill its past with noise: keys and values of `context` tokens of `batch` texts."""
        self._session = open_session(graph, threads, "cpu")
        self._batch = batch
        self._position = context
        self._past: dict[str, Any] = {}
        rng = np.random.default_rng(0)
        for value in self._session.get_inputs():
            if value.name not in (INPUT_IDS, POSITION_IDS):
                _, heads, _, width = cast(ort.NodeArg, value).shape
                noise = rng.standard_normal((batch, heads, context, width), dtype=np.float32)
                self._past[value.name] = ort.OrtValue.ortvalue_from_numpy(noise)
        self._outputs = [value.name for value in self._session.get_outputs()]
        self._ids = {value.name for value in self._session.get_inputs()} - self._past.keys()

    def step(self) -> None:
        """Read one token more of every text."""
        binding = self._session.io_binding()
        for name in self._ids:
            number_of_each = self._position if name == POSITION_IDS else 1
            binding.bind_cpu_input(name, np.full((self._batch, 1), number_of_each, np.int64))
        for name, value in self._past.items():
            binding.bind_ortvalue_input(name, value)
        for name in self._outputs:
            binding.bind_output(name)
        self._session.run_with_iobinding(binding)
        for name, value in zip(self._outputs, binding.get_outputs(), strict=True):
            if name not in STEP_OUTPUTS:
                self._past[past_of(name)] = value
        self._position += 1
