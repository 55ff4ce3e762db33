"""A finished graph keeps the interface that runtimes rely on, and computes nothing that it does not need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import onnx_ir as ir

from rfa_export.errors import GraphError
from rfa_export.graph.edit import Dims, dims, renamed
from rfa_runtime.bundle.interface import (
    ATTENTION_MASK,
    BATCH,
    CROSS_MASK,
    INPUT_IDS,
    LOGITS,
    PAIR,
    PAIR_SEQUENCE,
    POSITION_IDS,
    SEQLENS_K,
    SEQUENCE,
    SOURCE,
    TOP_LOGIT,
    TOP_TOKEN,
    TOTAL_SEQUENCE_LENGTH,
)
from rfa_runtime.bundle.manifest import StateSpec

Shapes = dict[str, Dims | None]
"""By the name of an input or output; None where a shape is not known."""
DEBRIS = ("Shape", "Size", "Expand", "ConstantOfShape", "Range", "Loop", "If", "Scan")
"""Operators that compute shapes or control flow: shapes are known, or those of the inputs."""
STEP_INPUTS: dict[str, Dims] = {
    INPUT_IDS: [BATCH, SEQUENCE],
    POSITION_IDS: [BATCH, SEQUENCE],
    SEQLENS_K: [BATCH],
    TOTAL_SEQUENCE_LENGTH: [],
}
INTEGERS = {
    INPUT_IDS: ir.DataType.INT64,
    ATTENTION_MASK: ir.DataType.INT64,
    POSITION_IDS: ir.DataType.INT64,
    PAIR + INPUT_IDS: ir.DataType.INT64,
    PAIR + ATTENTION_MASK: ir.DataType.INT64,
    PAIR + POSITION_IDS: ir.DataType.INT64,
    TOP_TOKEN: ir.DataType.INT64,
    SEQLENS_K: ir.DataType.INT32,
    TOTAL_SEQUENCE_LENGTH: ir.DataType.INT32,
    CROSS_MASK: ir.DataType.INT32,
}
"""Everything else is float32."""


def check_step(model: ir.Model, states: list[StateSpec], logits: str) -> None:
    """Raise GraphError where a graph that decodes breaks its interface.  logits: `last` or `all` positions."""
    vocabulary = (shapes(model.graph.outputs).get(LOGITS) or [0])[-1]
    check(model, step_inputs(model, states), step_outputs(states, logits, vocabulary))
    if not isinstance(vocabulary, int):
        raise GraphError(f"the logits' last dimension is {vocabulary}, wanted a fixed vocabulary")


def check_encoder(model: ir.Model, cross: list[StateSpec]) -> None:
    """Raise GraphError where a graph that reads sources breaks its interface."""
    outputs: Shapes = {}
    for state in cross:
        # The encoder's sequence is what the decoder calls the source.
        outputs[state.present] = renamed(state.shape, SOURCE, SEQUENCE)
    check(model, text_inputs(model), outputs)


def check_classifier(model: ir.Model, classes: int, pairs: bool) -> None:
    """Raise GraphError where a graph that classifies texts, or pairs of them, breaks its interface."""
    inputs = text_inputs(model)
    if pairs:
        inputs |= text_inputs(model, PAIR, PAIR_SEQUENCE)
    check(model, inputs, {LOGITS: [BATCH, classes]})


def step_inputs(model: ir.Model, states: list[StateSpec]) -> Shapes:
    """The states, ids, and whatever else of STEP_INPUTS the graph has."""
    found = shapes(model.graph.inputs)
    wanted: Shapes = {}
    for state in states:
        wanted[state.past] = list(state.shape)
    for name, shape in STEP_INPUTS.items():
        if name in found:
            wanted[name] = shape
    return wanted


def step_outputs(states: list[StateSpec], logits: str, vocabulary: int | str) -> Shapes:
    """The states that a step leaves, logits, and with those of the last position the most likely token."""
    wanted: Shapes = {}
    for state in states:
        if state.kind != "cross":
            wanted[state.present] = list(state.shape)
    if logits == "all":
        wanted[LOGITS] = [BATCH, SEQUENCE, vocabulary]
    else:
        wanted[LOGITS] = [BATCH, 1, vocabulary]
        wanted[TOP_LOGIT] = [BATCH, 1, 1]
        wanted[TOP_TOKEN] = [BATCH, 1, 1]
    return wanted


def text_inputs(model: ir.Model, prefix: str = "", length: str = SEQUENCE) -> Shapes:
    """Ids, mask, and positions where the graph has them."""
    wanted: Shapes = {prefix + INPUT_IDS: [BATCH, length], prefix + ATTENTION_MASK: [BATCH, length]}
    if prefix + POSITION_IDS in shapes(model.graph.inputs):
        wanted[prefix + POSITION_IDS] = [BATCH, length]
    return wanted


def check(model: ir.Model, inputs: Shapes, outputs: Shapes) -> None:
    """Raise GraphError unless the graph has these inputs and outputs, of their types, and no debris."""
    compare(shapes(model.graph.inputs), inputs, "input")
    compare(shapes(model.graph.outputs), outputs, "output")
    check_types([*model.graph.inputs, *model.graph.outputs])
    check_debris(model)


def compare(found: Shapes, wanted: Shapes, what: str) -> None:
    """Names and shapes must agree in both directions."""
    for name in sorted(wanted.keys() | found.keys()):
        if found.get(name) != wanted.get(name):
            raise GraphError(f"graph {what} {name!r} has shape {found.get(name)}, wanted {wanted.get(name)}")


def check_types(values: Iterable[ir.Value]) -> None:
    """Ids, positions, masks and lengths are integers, everything else is float32."""
    for value in values:
        wanted = INTEGERS.get(str(value.name), ir.DataType.FLOAT)
        if value.dtype != wanted:
            raise GraphError(f"{value.name!r} of the graph is {value.dtype}, wanted {wanted}")


def check_debris(model: ir.Model) -> None:
    """No shape is computed while the graph runs."""
    counts = Counter(node.op_type for node in model.graph)
    left = []
    for name in DEBRIS:
        if counts[name]:
            left.append(f"{counts[name]} {name}")
    if not left:
        return
    hint = "works with run-time sizes"
    if counts["Range"]:
        hint = f"counts positions itself, let it take {POSITION_IDS}"
    raise GraphError(f"the graph still computes shapes ({', '.join(left)}): its module {hint}")


def shapes(values: Iterable[ir.Value]) -> Shapes:
    """Names with shapes."""
    return {str(value.name): dims(value) for value in values}
