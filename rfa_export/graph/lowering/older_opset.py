"""Operators that are newer than a runtime may know, written with older ones.

RMSNormalization (opset 23)    -> Mul, ReduceMean, Sqrt, Div
RotaryEmbedding (23)           -> Split, Mul, Sub, Add, Concat
Gelu (20)                      -> Erf, or Tanh
Split into equal parts (18)    -> Split by sizes
Reduce* over given axes (18)   -> the axes as an attribute
"""

from __future__ import annotations

import math
from collections.abc import Callable

import onnx_ir as ir
from onnx_ir.passes import common
from onnx_ir.tape import Tape

from rfa_export.errors import GraphError
from rfa_export.graph.edit import dims, integers, nodes_of, number, numpy_value, optional_input, replace_node

CUBIC = 0.044715
"""Of Gelu's approximation [Hendrycks and Gimpel 2016]."""
EPSILON = 1e-5
"""Of RMSNormalization, where a node does not say."""
REDUCTIONS = (
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceProd",
    "ReduceSumSquare",
)
"""All but ReduceSum, whose axes became an input in opset 13 already."""


def lower_to_opset(model: ir.Model, opset: int) -> None:
    """Write the graph for an opset from OLDEST up.  Other operators mean the same in all of them.

    Raises GraphError for an operator whose settings have no older form.
    """
    for since, types, write_older in NEWER:
        if opset < since:
            for node in nodes_of(model, *types):
                write_older(model, node)
    common.RemoveUnusedNodesPass()(model)  # the axes that are now attributes
    model.opset_imports[""] = opset


def root_mean_square(model: ir.Model, node: ir.Node) -> None:
    """x / sqrt(mean(x^2) + eps) * scale, over the last axis."""
    x, scale = node.inputs
    last = len(dims(x) or ()) - 1
    axis = node.attributes.get_int("axis", -1)
    if axis not in (-1, last):
        raise GraphError(f"{node.name}: RMSNormalization from axis {axis} on, wanted only the last")
    tape = Tape()
    squares = tape.op("Mul", [x, x])
    mean = tape.op("ReduceMean", [squares, integers(model, -1)])
    above_zero = tape.op("Add", [mean, number(model, node.attributes.get_float("epsilon", EPSILON))])
    root = tape.op("Sqrt", [above_zero])
    normalized = tape.op("Div", [x, root])
    replace_node(node, tape, tape.op("Mul", [normalized, scale]))


def rotary(model: ir.Model, node: ir.Node) -> None:
    """(a, b) -> (a cos - b sin, a sin + b cos), for the halves of every head.  x: [B, T, n d], angles [B, T, d / 2]."""
    x, cos, sin = node.inputs[:3]
    heads = node.attributes["num_heads"].as_int()
    shape = dims(cos)
    half = shape[-1] if shape else None
    interleaved = node.attributes.get_int("interleaved", 0)
    if not isinstance(half, int) or interleaved or optional_input(node, 3) is not None:
        raise GraphError(f"{node.name}: RotaryEmbedding of this form has no older one here")
    tape = Tape()
    pairs = tape.op("Reshape", [x, integers(model, 0, 0, heads, 2 * half)])
    first, second = tape.op_multi_out("Split", [pairs, integers(model, half, half)], {"axis": -1}, num_outputs=2)
    cos = tape.op("Unsqueeze", [cos, integers(model, 2)])
    sin = tape.op("Unsqueeze", [sin, integers(model, 2)])
    turned_first = tape.op("Sub", [tape.op("Mul", [first, cos]), tape.op("Mul", [second, sin])])
    turned_second = tape.op("Add", [tape.op("Mul", [first, sin]), tape.op("Mul", [second, cos])])
    turned = tape.op("Concat", [turned_first, turned_second], {"axis": -1})
    replace_node(node, tape, tape.op("Reshape", [turned, integers(model, 0, 0, 2 * half * heads)]))


def gelu(model: ir.Model, node: ir.Node) -> None:
    """x (1 + erf(x / sqrt(2))) / 2, or by approximation x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2."""
    tape = Tape()
    x = node.inputs[0]
    if node.attributes.get_string("approximate", "none") == "tanh":
        square = tape.op("Mul", [x, x])
        bent = tape.op("Add", [tape.op("Mul", [square, number(model, CUBIC)]), number(model, 1.0)])
        steep = tape.op("Mul", [x, number(model, math.sqrt(2 / math.pi))])
        error = tape.op("Tanh", [tape.op("Mul", [steep, bent])])
    else:
        error = tape.op("Erf", [tape.op("Mul", [x, number(model, math.sqrt(0.5))])])
    half = tape.op("Mul", [x, number(model, 0.5)])
    share = tape.op("Add", [error, number(model, 1.0)])
    replace_node(node, tape, tape.op("Mul", [half, share]))


def split_evenly(model: ir.Model, node: ir.Node) -> None:
    """Name the sizes of the parts, where they are not named."""
    node.attributes.pop("num_outputs", None)
    if optional_input(node, 1) is not None:
        return
    axis = node.attributes.get_int("axis", 0)
    sizes = []
    for part in node.outputs:
        shape = dims(part)
        size = None if shape is None else shape[axis]
        if not isinstance(size, int):
            raise GraphError(f"{node.name}: Split of an axis whose size is not known")
        sizes.append(size)
    node.resize_inputs(2)
    node.replace_input_with(1, integers(model, *sizes))


def axes_as_attribute(model: ir.Model, node: ir.Node) -> None:
    """Name the axes of a reduction in the node itself."""
    given = optional_input(node, 1)
    if given is not None:
        axes = numpy_value(given)
        if axes is None:
            raise GraphError(f"{node.name}: {node.op_type} over axes that are computed")
        node.attributes.add(ir.AttrInt64s("axes", axes.tolist()))
    node.resize_inputs(1)
    node.attributes.pop("noop_with_empty_axes", None)


NEWER: list[tuple[int, tuple[str, ...], Callable[[ir.Model, ir.Node], None]]] = [
    (23, ("RMSNormalization",), root_mean_square),
    (23, ("RotaryEmbedding",), rotary),
    (20, ("Gelu",), gelu),
    (18, ("Split",), split_evenly),
    (18, REDUCTIONS, axes_as_attribute),
]
"""Since which opset operators are what the graph uses them for, and how to write them before."""
