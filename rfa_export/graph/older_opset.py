"""Operators that are newer than a runtime may know, written with older ones.

RMSNormalization (opset 23)    -> Mul, ReduceMean, Sqrt, Div
Gelu (20)                      -> Erf
Split into equal parts (18)    -> Split by sizes
"""

from __future__ import annotations

import math
from collections.abc import Callable

import onnx_ir as ir
from onnx_ir.tape import Tape

from rfa_export.errors import GraphError
from rfa_export.graph.edit import dims, integers, number, replace_node

OLDEST = 17
"""The first with LayerNormalization."""
REDUCE_AXES_ARE_AN_INPUT = 18


def lower_to_opset(model: ir.Model, opset: int) -> None:
    """Write the graph for an opset from OLDEST up.  Other operators mean the same in all of them."""
    for node in list(model.graph):
        since, lower = NEWER.get(node.op_type, (0, None))
        if lower is not None and opset < since:
            lower(model, node, opset)
    model.opset_imports[""] = opset


def root_mean_square(model: ir.Model, node: ir.Node, opset: int) -> None:
    """x / sqrt(mean(x^2) + eps) * scale, over the last axis."""
    x, scale = node.inputs
    axis, tape = node.attributes.get_int("axis", -1), Tape()
    if axis not in (-1, len(dims(x) or ()) - 1):
        raise GraphError(f"{node.name}: RMSNormalization from axis {axis} on, wanted the last alone")
    squares = tape.op("Mul", [x, x])
    if opset < REDUCE_AXES_ARE_AN_INPUT:
        mean = tape.op("ReduceMean", [squares], {"axes": [-1]})
    else:
        mean = tape.op("ReduceMean", [squares, integers(model, -1)])
    root = tape.op("Sqrt", [tape.op("Add", [mean, number(model, node.attributes.get_float("epsilon", 1e-5))])])
    replace_node(node, tape, tape.op("Mul", [tape.op("Div", [x, root]), scale]))


def gelu(model: ir.Model, node: ir.Node, opset: int) -> None:
    """x (1 + erf(x / sqrt(2))) / 2."""
    (x,), tape = node.inputs, Tape()
    if node.attributes.get_string("approximate", "none") != "none":
        raise GraphError(f"{node.name}: Gelu by approximation has no older form here")
    error = tape.op("Erf", [tape.op("Mul", [x, number(model, math.sqrt(0.5))])])
    half = tape.op("Mul", [x, number(model, 0.5)])
    replace_node(node, tape, tape.op("Mul", [half, tape.op("Add", [error, number(model, 1.0)])]))


def split_evenly(model: ir.Model, node: ir.Node, opset: int) -> None:
    """Name the sizes of the parts."""
    axis = node.attributes.get_int("axis", 0)
    sizes = [(dims(part) or [])[axis] for part in node.outputs]
    if not all(isinstance(size, int) for size in sizes):
        raise GraphError(f"{node.name}: Split of an axis whose size is not known")
    node.attributes.pop("num_outputs", None)
    if len(node.inputs) < 2 or node.inputs[1] is None:
        node.resize_inputs(2)
        node.replace_input_with(1, integers(model, *(int(size) for size in sizes)))


NEWER: dict[str, tuple[int, Callable[[ir.Model, ir.Node, int], None]]] = {
    "RMSNormalization": (23, root_mean_square),
    "Gelu": (20, gelu),
    "Split": (18, split_evenly),
}
"""Since which opset an operator is what the graph uses it for, and how to write it before."""
