"""Reshapes by constants: a traced graph computes target shapes at run time, a step graph need not.

`torch` writes a view of [batch, sequence, ...] as Shape -> Gather -> Concat -> Reshape.  ONNX says the same with a
constant: 0 keeps a dimension, -1 takes the rest.  Views of views become one, views that change nothing go.
"""

from __future__ import annotations

import onnx_ir as ir

from rfa_export.graph.edit import Dims, constant, dims, insert_before

VIEWS = ("Reshape", "Unsqueeze", "Squeeze")


def constant_views(model: ir.Model) -> None:
    """Give every view a constant target, reading from the earliest tensor that holds the same elements."""
    for node in list(model.graph):
        if node.op_type in VIEWS:
            rewrite_view(model, node)


def rewrite_view(model: ir.Model, node: ir.Node) -> None:
    """Turn one view into a Reshape by constants, or into nothing."""
    source = viewed(node)
    target = reshape_target(dims(source), dims(node.outputs[0]))
    if source is None or target is None:
        return
    if dims(source) == dims(node.outputs[0]) and not node.outputs[0].is_graph_output():
        ir.convenience.replace_all_uses_with(node.outputs[0], source)
        return
    shape = constant(model, "shape_" + "_".join(map(str, target)), target)
    reshape = ir.node("Reshape", [source, shape])
    insert_before(node, reshape)
    new, old = reshape.outputs[0], node.outputs[0]
    new.shape, new.type = old.shape, old.type
    if not old.is_graph_output():
        ir.convenience.replace_all_uses_with(old, new)


def viewed(node: ir.Node) -> ir.Value | None:
    """The tensor behind a chain of views."""
    value = node.inputs[0]
    while value is not None and (producer := value.producer()) is not None and producer.op_type in VIEWS:
        if reshape_target(dims(producer.inputs[0]), dims(node.outputs[0])) is None:
            break
        value = producer.inputs[0]
    return value


def reshape_target(source: Dims | None, target: Dims | None) -> list[int] | None:
    """The constant that reshapes one to the other, or None where there is none.

    A symbolic dimension must stay in its place (0) or be the only one left over (-1).
    """
    if source is None or target is None:
        return None
    result: list[int] = []
    for index, dim in enumerate(target):
        if isinstance(dim, int):
            result.append(dim)
        elif index < len(source) and source[index] == dim:
            result.append(0)
        else:
            result.append(-1)
    return result if result.count(-1) <= 1 else None
