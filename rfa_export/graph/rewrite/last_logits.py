"""Compute the logits of the last position only, so that prefill never builds [T, N]."""

from __future__ import annotations

import onnx_ir as ir

from rfa_export.errors import GraphError
from rfa_export.graph.edit import constant, insert_before
from rfa_export.graph.names import BATCH, LOGITS

POINTWISE = ("Identity", "Cast", "Add", "Sub", "Mul", "Div", "Tanh")
"""What may follow the product with the vocabulary: a bias, a temperature, a soft cap; none mixes positions."""


def last_logits(scoring: ir.Model) -> ir.Model:
    """Return a copy that cuts the hidden states to their last position before the product with the vocabulary.

    The output `logits` is [batch, sequence, N] in the original and [batch, 1, N] in the copy; weights are shared.
    Where the graph does not end in such a product, the logits themselves are cut.
    """
    model = scoring.clone()
    logits = next(value for value in model.graph.outputs if value.name == LOGITS)
    if logits.shape is None or logits.shape.rank() != 3:
        raise GraphError(f"logits have the shape {logits.shape}, wanted three dimensions: [batch, sequence, N]")
    product = vocabulary_product(logits)
    if product is None:
        cut_output(model, logits)
    else:
        cut_hidden(model, product)
    return model


def cut_hidden(model: ir.Model, product: list[ir.Node]) -> None:
    """Give the product, first of these nodes, the last position alone to compute."""
    last = slice_last(model, product[0].inputs[0])
    insert_before(product[0], last)
    product[0].replace_input_with(0, last.outputs[0])
    for node in product:
        node.outputs[0].shape = one_position(node.outputs[0])


def cut_output(model: ir.Model, logits: ir.Value) -> None:
    """Compute all logits and give the last position's."""
    last = slice_last(model, logits)
    model.graph.append(last)
    cut, logits.name = last.outputs[0], f"{LOGITS}_of_all"
    cut.name, cut.type, cut.shape = LOGITS, logits.type, one_position(logits)
    model.graph.outputs[list(model.graph.outputs).index(logits)] = cut


def vocabulary_product(logits: ir.Value) -> list[ir.Node] | None:
    """The MatMul at the graph's end and the pointwise nodes after it, in order; None where there is no such end."""
    value, nodes = logits, list[ir.Node]()
    while (node := value.producer()) is not None:
        nodes.insert(0, node)
        if node.op_type == "MatMul":
            return nodes
        computed = [source for source in node.inputs if source is not None and source.const_value is None]
        if node.op_type not in POINTWISE or len(computed) != 1 or len(computed[0].uses()) != 1:
            return None
        value = computed[0]
    return None


def slice_last(model: ir.Model, value: ir.Value | None) -> ir.Node:
    """[batch, sequence, ...] -> [batch, 1, ...]."""
    bounds = {"last_start": -1, "last_end": 2**62, "last_axis": 1}
    return ir.node("Slice", [value, *(constant(model, name, [bound]) for name, bound in bounds.items())])


def one_position(value: ir.Value) -> ir.Shape | None:
    """The shape [batch, sequence, N] with one position in it."""
    return None if value.shape is None else ir.Shape([BATCH, 1, *value.shape[2:]])
