"""The finished graph keeps the interface that runtimes rely on, and carries nothing that a step does not need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import onnx_ir as ir

from rfa_export.errors import GraphError
from rfa_export.graph.edit import Dims, dims
from rfa_export.graph.names import (
    BATCH,
    INPUT_IDS,
    LOGITS,
    POSITION_IDS,
    SEQLENS_K,
    SEQUENCE,
    TOP_LOGIT,
    TOP_TOKEN,
    TOTAL_SEQUENCE_LENGTH,
)
from rfa_runtime.manifest import StateSpec

Shapes = dict[str, Dims | None]
DEBRIS = ("Shape", "Size", "Expand", "ConstantOfShape", "Range", "Loop", "If", "Scan")
"""Operators that compute shapes or control flow: a step's shapes are known."""
INTEGER_INPUTS: dict[str, Dims] = {
    INPUT_IDS: [BATCH, SEQUENCE],
    POSITION_IDS: [BATCH, SEQUENCE],
    SEQLENS_K: [BATCH],
    TOTAL_SEQUENCE_LENGTH: [],
}
INTEGER_TYPES = {
    INPUT_IDS: ir.DataType.INT64,
    TOP_TOKEN: ir.DataType.INT64,
    POSITION_IDS: ir.DataType.INT64,
    SEQLENS_K: ir.DataType.INT32,
    TOTAL_SEQUENCE_LENGTH: ir.DataType.INT32,
}


def check(model: ir.Model, states: list[StateSpec], logits: str) -> None:
    """Raise GraphError where the graph breaks its interface.  logits: `last` or `all` positions."""
    found = shapes(model.graph.inputs)
    wanted: Shapes = {state.past: list(state.shape) for state in states}
    wanted |= {name: shape for name, shape in INTEGER_INPUTS.items() if name in found}
    compare(found, wanted, "input")
    found = shapes(model.graph.outputs)
    vocabulary = (found.get(LOGITS) or [0])[-1]
    wanted = {state.present: list(state.shape) for state in states}
    if logits == "last":
        wanted |= {LOGITS: [BATCH, 1, vocabulary], TOP_LOGIT: [BATCH, 1, 1], TOP_TOKEN: [BATCH, 1, 1]}
    else:
        wanted |= {LOGITS: [BATCH, SEQUENCE, vocabulary]}
    compare(found, wanted, "output")
    if not isinstance(vocabulary, int):
        raise GraphError(f"the logits' last dimension is {vocabulary}, wanted a fixed vocabulary")
    check_types([*model.graph.inputs, *model.graph.outputs])
    counts = Counter(node.op_type for node in model.graph)
    left = [f"{counts[name]} {name}" for name in DEBRIS if counts[name]]
    if left:
        hint = (
            f"counts positions itself, let it take {POSITION_IDS}" if counts["Range"] else "works with run-time sizes"
        )
        raise GraphError(f"the graph still computes shapes ({', '.join(left)}): its module {hint}")


def check_types(values: Iterable[ir.Value]) -> None:
    """Ids, positions and lengths are integers, everything else is float32."""
    for value in values:
        wanted = INTEGER_TYPES.get(str(value.name), ir.DataType.FLOAT)
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
