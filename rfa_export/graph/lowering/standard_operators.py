"""ONNX Runtime's own operators that tracing emits (`rfa_export/symbolic.py`), written with standard ones.

com.microsoft::FusedMatMul           -> Transpose, MatMul
com.microsoft::MultiHeadAttention    -> MatMul, Softmax, MatMul with their transposes
com.microsoft::LinearAttention       -> LinearAttention of opset 27, or `plain_attention.py`
com.microsoft::MatMulNBits, com.microsoft::GatherBlockQuantized       see `standard_quantized.py`
"""

from __future__ import annotations

import math

import onnx_ir as ir
from onnx_ir.passes import common
from onnx_ir.tape import Tape

from rfa_export.errors import GraphError
from rfa_export.graph.edit import dims, integers, number, replace_node
from rfa_export.graph.lowering.opsets import FIRST_WITH_LINEAR_ATTENTION
from rfa_export.graph.lowering.standard_quantized import lower_quantized_embedding, lower_quantized_product
from rfa_export.graph.names import CONTRIB

LEFT_OUT = -1e30
"""Added to the score of a padded key: its weight is then zero, and a row of nothing else stays finite."""
HEADS_FIRST, KEYS_LAST = (0, 2, 1, 3), (0, 2, 3, 1)


def standard_linear_attention(model: ir.Model) -> None:
    """Name the operator of opset 27, which takes the same inputs and attributes, in place of ONNX Runtime's own."""
    for node in model.graph:
        if node.op_type == "LinearAttention":
            node.domain = ""
    model.opset_imports[""] = FIRST_WITH_LINEAR_ATTENTION
    common.RemoveUnusedOpsetsPass()(model)


def standard_products(model: ir.Model) -> None:
    """Write fused products and softmax attention with standard operators.

    Raises GraphError for what has no such form: attention with a cache that past and present share.
    """
    for node in [node for node in model.graph if node.domain == CONTRIB]:
        if node.op_type == "FusedMatMul":
            lower_product(node)
        elif node.op_type == "MultiHeadAttention":
            lower_attention(model, node)
        elif node.op_type == "MatMulNBits":
            lower_quantized_product(model, node)
        elif node.op_type == "GatherBlockQuantized":
            lower_quantized_embedding(model, node)
        elif node.op_type != "LinearAttention":
            raise GraphError(
                f"{node.op_type} is ONNX Runtime's own and has no standard form here: softmax models have target ort"
            )


def lower_product(node: ir.Node) -> None:
    """A product whose left side is read transposed: its last two axes, or its batch and its second last."""
    left, right = node.inputs
    assert left is not None
    assert left.shape is not None
    rank, tape = left.shape.rank(), Tape()
    axes = list(range(rank))
    for name, order in (("transBatchA", [*axes[1:-1], 0, rank - 1]), ("transA", [*axes[:-2], rank - 1, rank - 2])):
        if name in node.attributes and node.attributes[name].as_int():
            left = tape.op("Transpose", [left], {"perm": order})
    replace_node(node, tape, tape.op("MatMul", [left, right]))


def lower_attention(model: ir.Model, node: ir.Node) -> None:
    """Softmax over the keys.  Query [B, T, H d]; keys and values alike, or [B, H, M, d]; mask [B, M], 0 is padding."""
    query, keys, values, _, mask = (*node.inputs, None, None)[:5]
    heads, width, tape = node.attributes["num_heads"].as_int(), (dims(query) or [0])[-1], Tape()
    assert isinstance(width, int)
    split = integers(model, 0, 0, heads, width // heads)

    def heads_first(packed: ir.Value | None, order: tuple[int, ...]) -> ir.Value:
        return tape.op("Transpose", [tape.op("Reshape", [packed, split])], {"perm": order})

    scaled = tape.op("Mul", [query, number(model, math.sqrt(heads / width))])
    if len(dims(keys) or ()) == 4:
        turned = tape.op("Transpose", [keys], {"perm": (0, 1, 3, 2)})
    else:
        turned, values = heads_first(keys, KEYS_LAST), heads_first(values, HEADS_FIRST)
    scores = tape.op("MatMul", [heads_first(scaled, HEADS_FIRST), turned])
    if mask is not None:
        left_out = tape.op("Sub", [number(model, 1.0), tape.op("Cast", [mask], {"to": ir.DataType.FLOAT})])
        bias = tape.op("Mul", [left_out, number(model, LEFT_OUT)])
        scores = tape.op("Add", [scores, tape.op("Unsqueeze", [bias, integers(model, 1, 2)])])
    weights = tape.op("Softmax", [scores], {"axis": -1})
    mixed = tape.op("Transpose", [tape.op("MatMul", [weights, values])], {"perm": HEADS_FIRST})
    replace_node(node, tape, tape.op("Reshape", [mixed, integers(model, 0, 0, width)]))
