"""Compute the logits of the last position only, so that prefill never builds [T, N]."""

from __future__ import annotations

import onnx_ir as ir

from rfa_export.errors import GraphError
from rfa_export.graph.edit import constant, insert_before, output_of
from rfa_runtime.bundle.interface import BATCH, LOGITS

POINTWISE = ("Identity", "Cast", "Add", "Sub", "Mul", "Div", "Tanh")
"""What may follow the product with the vocabulary: a bias, a temperature, a soft cap; none mixes positions."""
END = 2**62
"""Of a Slice that goes on to the last position."""


def last_logits(model: ir.Model) -> None:
    """Cut the hidden states to their last position before the product with the vocabulary.

    The output `logits` becomes [batch, 1, N].  Where the graph does not end in such a product, the logits are cut.
    Raises GraphError for logits that are not [batch, sequence, N].
    """
    logits = output_of(model, LOGITS)
    if logits.shape is None or logits.shape.rank() != 3:
        raise GraphError(f"logits have the shape {logits.shape}, wanted three dimensions: [batch, sequence, N]")
    product = vocabulary_product(logits)
    if product is None:
        cut_output(model, logits)
    else:
        cut_hidden(model, product)


def cut_hidden(model: ir.Model, product: list[ir.Node]) -> None:
    """Give the product, first of these nodes, only the last position to compute."""
    last = slice_last(model, product[0].inputs[0])
    insert_before(product[0], last)
    product[0].replace_input_with(0, last.outputs[0])
    for node in product:
        node.outputs[0].shape = one_position(node.outputs[0])


def cut_output(model: ir.Model, logits: ir.Value) -> None:
    """Compute all logits and give the last position's."""
    last = slice_last(model, logits)
    model.graph.append(last)
    logits.name = f"{LOGITS}_of_all"
    cut = last.outputs[0]
    cut.name = LOGITS
    cut.type = logits.type
    cut.shape = one_position(logits)
    place = list(model.graph.outputs).index(logits)
    model.graph.outputs[place] = cut


def vocabulary_product(logits: ir.Value) -> list[ir.Node] | None:
    """The MatMul at the graph's end and the pointwise nodes after it, in order; None where there is no such end."""
    nodes: list[ir.Node] = []
    node = logits.producer()
    while node is not None:
        nodes.insert(0, node)
        if node.op_type == "MatMul":
            return nodes
        value = pointwise_input(node)
        node = None if value is None else value.producer()
    return None


def pointwise_input(node: ir.Node) -> ir.Value | None:
    """The one value that a pointwise node computes with besides constants, if no other node reads that value."""
    computed = [value for value in node.inputs if value is not None and value.const_value is None]
    if node.op_type not in POINTWISE or len(computed) != 1 or len(computed[0].uses()) != 1:
        return None
    return computed[0]


def slice_last(model: ir.Model, value: ir.Value | None) -> ir.Node:
    """[batch, sequence, ...] -> [batch, 1, ...]."""
    start = constant(model, "last_start", [-1])
    end = constant(model, "last_end", [END])
    axis = constant(model, "last_axis", [1])
    return ir.node("Slice", [value, start, end, axis])


def one_position(value: ir.Value) -> ir.Shape | None:
    """The shape [batch, sequence, N] with one position in it."""
    return None if value.shape is None else ir.Shape([BATCH, 1, *value.shape[2:]])
