"""Compute the logits of the last position only, so that prefill never builds [T, N]."""

from __future__ import annotations

import onnx_ir as ir

from rfa_export.errors import GraphError
from rfa_export.graph.edit import constant, insert_before
from rfa_export.graph.names import BATCH, LOGITS

VIEWS = ("Identity", "Cast")


def last_logits(scoring: ir.Model) -> ir.Model:
    """Return a copy that cuts the hidden states to their last position before the product with the vocabulary.

    The output `logits` is [batch, sequence, N] in the original and [batch, 1, N] in the copy; weights are shared.
    Raises GraphError where the graph does not end in a product.
    """
    model = scoring.clone()
    logits = next(value for value in model.graph.outputs if value.name == LOGITS)
    head = vocabulary_product(logits)
    hidden = head.inputs[0]
    if logits.shape is None:
        raise GraphError("logits have no shape after tracing: does the module return a tensor [batch, sequence, N]?")
    last = ir.node(
        "Slice",
        [
            hidden,
            constant(model, "last_start", [-1]),
            constant(model, "last_end", [2**62]),
            constant(model, "last_axis", [1]),
        ],
    )
    insert_before(head, last)
    head.replace_input_with(0, last.outputs[0])
    logits.shape = ir.Shape([BATCH, 1, logits.shape[2]])
    return model


def vocabulary_product(logits: ir.Value) -> ir.Node:
    """The MatMul at the graph's end, behind a bias or a change of type."""
    node = logits.producer()
    while node is not None and node.op_type in (*VIEWS, "Add"):
        node = next((source for value in node.inputs if value and (source := value.producer())), None)
    if node is None or node.op_type != "MatMul":
        raise GraphError("the graph does not end in a product with the vocabulary: the module must return logits")
    return node
