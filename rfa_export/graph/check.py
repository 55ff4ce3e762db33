"""The finished graph keeps the interface that runtimes rely on, and carries nothing that it does not need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import onnx_ir as ir

from rfa_export.errors import GraphError
from rfa_export.graph.edit import Dims, dims
from rfa_export.graph.names import (
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
DEBRIS = ("Shape", "Size", "Expand", "ConstantOfShape", "Range", "Loop", "If", "Scan")
"""Operators that compute shapes or control flow: shapes are known, or those of the inputs."""
STEP_INPUTS: dict[str, Dims] = {
    INPUT_IDS: [BATCH, SEQUENCE],
    POSITION_IDS: [BATCH, SEQUENCE],
    SEQLENS_K: [BATCH],
    TOTAL_SEQUENCE_LENGTH: [],
}
TEXT_INPUTS = (INPUT_IDS, ATTENTION_MASK, POSITION_IDS)
INTEGERS = dict.fromkeys((*TEXT_INPUTS, *(PAIR + name for name in TEXT_INPUTS), TOP_TOKEN), ir.DataType.INT64)
INTEGERS |= dict.fromkeys((SEQLENS_K, TOTAL_SEQUENCE_LENGTH, CROSS_MASK), ir.DataType.INT32)


def check_step(model: ir.Model, states: list[StateSpec], logits: str) -> None:
    """Raise GraphError where a graph that decodes breaks its interface.  logits: `last` or `all` positions."""
    inputs: Shapes = {state.past: list(state.shape) for state in states}
    found = shapes(model.graph.inputs)
    inputs |= {name: shape for name, shape in STEP_INPUTS.items() if name in found}
    outputs: Shapes = {state.present: list(state.shape) for state in states if state.kind != "cross"}
    vocabulary = (shapes(model.graph.outputs).get(LOGITS) or [0])[-1]
    if logits == "last":
        outputs |= {LOGITS: [BATCH, 1, vocabulary], TOP_LOGIT: [BATCH, 1, 1], TOP_TOKEN: [BATCH, 1, 1]}
    else:
        outputs |= {LOGITS: [BATCH, SEQUENCE, vocabulary]}
    check(model, inputs, outputs)
    if not isinstance(vocabulary, int):
        raise GraphError(f"the logits' last dimension is {vocabulary}, wanted a fixed vocabulary")


def check_encoder(model: ir.Model, cross: list[StateSpec]) -> None:
    """Raise GraphError where a graph that reads sources breaks its interface."""
    # Its sequence is what the decoder calls the source.
    outputs: Shapes = {state.present: [SEQUENCE if dim == SOURCE else dim for dim in state.shape] for state in cross}
    check(model, text_inputs(model), outputs)


def check_classifier(model: ir.Model, classes: int, pairs: bool) -> None:
    """Raise GraphError where a graph that classifies texts, or pairs of them, breaks its interface."""
    inputs = text_inputs(model)
    if pairs:
        inputs |= text_inputs(model, PAIR, PAIR_SEQUENCE)
    check(model, inputs, {LOGITS: [BATCH, classes]})


def text_inputs(model: ir.Model, prefix: str = "", length: str = SEQUENCE) -> Shapes:
    """Ids, mask, and positions where the graph has them."""
    found = shapes(model.graph.inputs)
    names = [name for name in TEXT_INPUTS if name != POSITION_IDS or prefix + name in found]
    return {prefix + name: [BATCH, length] for name in names}


def check(model: ir.Model, inputs: Shapes, outputs: Shapes) -> None:
    """Raise GraphError unless the graph has these inputs and outputs, of their types, and no debris."""
    compare(shapes(model.graph.inputs), inputs, "input")
    compare(shapes(model.graph.outputs), outputs, "output")
    check_types([*model.graph.inputs, *model.graph.outputs])
    counts = Counter(node.op_type for node in model.graph)
    left = [f"{counts[name]} {name}" for name in DEBRIS if counts[name]]
    if left:
        hint = (
            f"counts positions itself, let it take {POSITION_IDS}" if counts["Range"] else "works with run-time sizes"
        )
        raise GraphError(f"the graph still computes shapes ({', '.join(left)}): its module {hint}")


def check_types(values: Iterable[ir.Value]) -> None:
    """Ids, positions, masks and lengths are integers, everything else is float32."""
    for value in values:
        wanted = INTEGERS.get(str(value.name), ir.DataType.FLOAT)
        if value.dtype != wanted:
            raise GraphError(f"{value.name!r} of the graph is {value.dtype}, wanted {wanted}")


def shapes(values: Iterable[ir.Value]) -> Shapes:
    """Names with shapes."""
    return {str(value.name): dims(value) for value in values}


def compare(found: Shapes, wanted: Shapes, what: str) -> None:
    """Names and shapes must agree in both directions."""
    for name in sorted(wanted.keys() | found.keys()):
        if found.get(name) != wanted.get(name):
            raise GraphError(f"graph {what} {name!r} has shape {found.get(name)}, wanted {wanted.get(name)}")
