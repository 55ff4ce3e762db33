"""Operators that are newer than a runtime may know, written with older ones.

RMSNormalization (opset 23)    -> Mul, ReduceMean, Sqrt, Div
Gelu (20)                      -> Erf
Split into equal parts (18)    -> Split by sizes
Reduce* over given axes (18)   -> the axes as an attribute
"""

from __future__ import annotations

import math
from collections.abc import Callable

import onnx_ir as ir
from onnx_ir.tape import Tape

from rfa_export.errors import GraphError
from rfa_export.graph.edit import dims, integers, number, numpy_value, replace_node

REDUCTIONS = (
    *("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin"),
    *("ReduceProd", "ReduceSumSquare"),
)
"""All but ReduceSum, whose axes became an input in opset 13 already."""


def lower_to_opset(model: ir.Model, opset: int) -> None:
    """Write the graph for an opset from OLDEST up.  Other operators mean the same in all of them."""
    for since, types, lower in NEWER:
        if opset < since:
            for node in [node for node in model.graph if node.op_type in types]:
                lower(model, node, opset)
    model.opset_imports[""] = opset


def root_mean_square(model: ir.Model, node: ir.Node, opset: int) -> None:
    """x / sqrt(mean(x^2) + eps) * scale, over the last axis."""
    x, scale = node.inputs
    axis, tape = node.attributes.get_int("axis", -1), Tape()
    if axis not in (-1, len(dims(x) or ()) - 1):
        raise GraphError(f"{node.name}: RMSNormalization from axis {axis} on, wanted the last alone")
    mean = tape.op("ReduceMean", [tape.op("Mul", [x, x]), integers(model, -1)])
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


def axes_as_attribute(model: ir.Model, node: ir.Node, opset: int) -> None:
    """Name the axes of a reduction in the node itself."""
    if len(node.inputs) > 1 and node.inputs[1] is not None:
        axes = numpy_value(node.inputs[1])
        if axes is None:
            raise GraphError(f"{node.name}: {node.op_type} over axes that are computed")
        node.attributes.add(ir.AttrInt64s("axes", axes.tolist()))
    node.resize_inputs(1)
    node.attributes.pop("noop_with_empty_axes", None)


Lower = Callable[[ir.Model, ir.Node, int], None]
NEWER: tuple[tuple[int, tuple[str, ...], Lower], ...] = (
    (23, ("RMSNormalization",), root_mean_square),
    (20, ("Gelu",), gelu),
    (18, ("Split",), split_evenly),
    (18, REDUCTIONS, axes_as_attribute),
)
"""Since which opset operators are what the graph uses them for, and how to write them before."""
