"""Reshapes by constants: a traced graph computes target shapes at run time, a step graph need not.

`torch` writes a view of [batch, sequence, ...] as Shape -> Gather -> Concat -> Reshape.  ONNX says the same with a
constant: 0 keeps a dimension, -1 takes the rest.  Views of views become one, views that change nothing go.
"""

from __future__ import annotations

import onnx_ir as ir

from rfa_export.graph.edit import Dims, constant, describe_like, dims, insert_before, nodes_of

VIEWS = ("Reshape", "Unsqueeze", "Squeeze")


def constant_views(model: ir.Model) -> None:
    """Give every view a constant target, reading from the earliest tensor that holds the same elements."""
    for node in nodes_of(model, *VIEWS):
        rewrite_view(model, node)


def rewrite_view(model: ir.Model, node: ir.Node) -> None:
    """Turn one view into a Reshape by constants, or into nothing."""
    source = viewed(node)
    result = node.outputs[0]
    target = reshape_target(dims(source), dims(result))
    if source is None or target is None:
        return
    if dims(source) == dims(result) and not result.is_graph_output():
        ir.convenience.replace_all_uses_with(result, source)
        return
    shape = constant(model, "shape_" + "_".join(map(str, target)), target)
    reshape = ir.node("Reshape", [source, shape])
    insert_before(node, reshape)
    describe_like(reshape.outputs[0], result)
    if not result.is_graph_output():
        ir.convenience.replace_all_uses_with(result, reshape.outputs[0])


def viewed(node: ir.Node) -> ir.Value | None:
    """The tensor behind a chain of views, as far back as a constant can say the way from it to this view."""
    result = node.outputs[0]
    value = node.inputs[0]
    while value is not None:
        view = value.producer()
        if view is None or view.op_type not in VIEWS:
            break
        if reshape_target(dims(view.inputs[0]), dims(result)) is None:
            break
        value = view.inputs[0]
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
