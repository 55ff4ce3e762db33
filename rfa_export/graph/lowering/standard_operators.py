"""ONNX Runtime's own operators that tracing emits (`tracing/symbolic.py`), written with standard ones.

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
from rfa_export.graph.edit import dims, integers, nodes_of, number, optional_input, replace_node
from rfa_export.graph.lowering.opsets import FIRST_WITH_LINEAR_ATTENTION
from rfa_export.graph.lowering.standard_quantized import lower_quantized_embedding, lower_quantized_product
from rfa_export.graph.names import CONTRIB

LEFT_OUT = -1e30
"""Added to the score of a padded key: its weight is then zero, and a row of nothing else stays finite."""
HEADS_FIRST = (0, 2, 1, 3)
KEYS_LAST = (0, 2, 3, 1)
MASK = 4
"""Which input of MultiHeadAttention it is."""


def standard_linear_attention(model: ir.Model) -> None:
    """Name the operator of opset 27, which takes the same inputs and attributes, in place of ONNX Runtime's own."""
    for node in nodes_of(model, "LinearAttention"):
        node.domain = ""
    model.opset_imports[""] = FIRST_WITH_LINEAR_ATTENTION
    common.RemoveUnusedOpsetsPass()(model)


def standard_products(model: ir.Model) -> None:
    """Write fused products and softmax attention with standard operators.

    Raises GraphError for what has no such form: attention with a cache that past and present share.
    """
    for node in list(model.graph):
        if node.domain == CONTRIB:
            lower_contrib(model, node)


def lower_contrib(model: ir.Model, node: ir.Node) -> None:
    """Write one of ONNX Runtime's own operators with standard ones; LinearAttention stays."""
    match node.op_type:
        case "LinearAttention":
            return
        case "FusedMatMul":
            lower_product(node)
        case "MultiHeadAttention":
            lower_attention(model, node)
        case "MatMulNBits":
            lower_quantized_product(model, node)
        case "GatherBlockQuantized":
            lower_quantized_embedding(model, node)
        case _:
            raise GraphError(
                f"{node.op_type} is ONNX Runtime's own and has no standard form here: softmax models have target ort"
            )


def lower_product(node: ir.Node) -> None:
    """A product whose left side is read transposed: its last two axes, or its batch and its second last."""
    left, right = node.inputs
    assert left is not None
    assert left.shape is not None
    tape = Tape()
    first, *middle, last = range(left.shape.rank())
    if node.attributes.get_int("transBatchA", 0):
        left = tape.op("Transpose", [left], {"perm": [*middle, first, last]})
    if node.attributes.get_int("transA", 0):
        others = [first, *middle]
        left = tape.op("Transpose", [left], {"perm": [*others[:-1], last, others[-1]]})
    replace_node(node, tape, tape.op("MatMul", [left, right]))


def lower_attention(model: ir.Model, node: ir.Node) -> None:
    """Softmax over the keys.  Query [B, T, H d]; keys and values alike, or [B, H, M, d]; mask [B, M], 0 is padding."""
    query, keys, values = node.inputs[:3]
    mask = optional_input(node, MASK)
    heads = node.attributes["num_heads"].as_int()
    width = (dims(query) or [0])[-1]
    assert isinstance(width, int)
    tape = Tape()
    split = integers(model, 0, 0, heads, width // heads)
    scaled = tape.op("Mul", [query, number(model, math.sqrt(heads / width))])
    if len(dims(keys) or ()) == 4:
        turned = tape.op("Transpose", [keys], {"perm": (0, 1, 3, 2)})
    else:
        turned = split_heads(tape, keys, split, KEYS_LAST)
        values = split_heads(tape, values, split, HEADS_FIRST)
    scores = tape.op("MatMul", [split_heads(tape, scaled, split, HEADS_FIRST), turned])
    if mask is not None:
        scores = without_padding(model, tape, scores, mask)
    weights = tape.op("Softmax", [scores], {"axis": -1})
    mixed = tape.op("Transpose", [tape.op("MatMul", [weights, values])], {"perm": HEADS_FIRST})
    replace_node(node, tape, tape.op("Reshape", [mixed, integers(model, 0, 0, width)]))


def split_heads(tape: Tape, packed: ir.Value | None, split: ir.Value, order: tuple[int, ...]) -> ir.Value:
    """[B, T, H d] -> [B, T, H, d], its axes put in another order.  split: the target of the Reshape."""
    return tape.op("Transpose", [tape.op("Reshape", [packed, split])], {"perm": order})


def without_padding(model: ir.Model, tape: Tape, scores: ir.Value, mask: ir.Value) -> ir.Value:
    """Scores [B, H, T, M] that give keys which are padding no weight.  mask: [B, M]."""
    one = number(model, 1.0)
    kept = tape.op("Cast", [mask], {"to": ir.DataType.FLOAT})
    left_out = tape.op("Sub", [one, kept])
    bias = tape.op("Mul", [left_out, number(model, LEFT_OUT)])
    return tape.op("Add", [scores, tape.op("Unsqueeze", [bias, integers(model, 1, 2)])])
