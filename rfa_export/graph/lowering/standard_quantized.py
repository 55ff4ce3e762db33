"""Weights of a few bits in standard operators, over the same bytes as ONNX Runtime's own.

com.microsoft::MatMulNBits             -> DequantizeLinear by blocks (opset 21), Transpose, MatMul
com.microsoft::GatherBlockQuantized    -> Gather of bytes, the two numbers in each, times their scales
"""

from __future__ import annotations

from dataclasses import dataclass

import ml_dtypes
import numpy as np
import onnx_ir as ir
from onnx_ir.tape import Tape

from rfa_export.graph.edit import constant, initializer, integers, number, numpy_value, replace_node
from rfa_export.graph.rounding.whole_numbers import unpacked, zero_points


@dataclass(frozen=True)
class Blocks:
    """How a node's weight is laid out."""

    bits: int
    block: int
    zero_points: ir.Value | None
    """None where zero lies in the middle."""

    def zeros(self, rows: int, blocks: int) -> np.ndarray:
        """Of all blocks, uint8 [N, K / block]."""
        return zero_points(numpy_value(self.zero_points), self.bits, rows, blocks)


def lower_quantized_product(model: ir.Model, node: ir.Node) -> None:
    """x @ dequantized(W).T, W [N, K] with a scale for each block along K."""
    x, packed, scales = node.inputs[:3]
    assert packed is not None
    assert scales is not None
    layout, bytes_of = blocks_of(node), numpy_value(packed)
    assert bytes_of is not None
    rows, columns = node.attributes["N"].as_int(), node.attributes["K"].as_int()
    tape, kind = Tape(), np.dtype(ml_dtypes.uint4 if layout.bits == 4 else np.uint8)
    numbers, blocks = unpacked(bytes_of.reshape(rows, -1), layout.bits), columns // layout.block
    weight = initializer(model, f"{packed.name}_matrix", numbers.astype(kind))
    zeros = initializer(model, f"{packed.name}_zeros", layout.zeros(rows, blocks).astype(kind))
    attributes = {"axis": 1, "block_size": layout.block}
    matrix = tape.op("DequantizeLinear", [weight, scales, zeros], attributes)
    replace_node(node, tape, tape.op("MatMul", [x, tape.op("Transpose", [matrix], {"perm": (1, 0)})]))


def lower_quantized_embedding(model: ir.Model, node: ir.Node) -> None:
    """Rows of bytes [N, K bits / 8], taken apart into numbers and multiplied block by block."""
    packed, ids, scales = node.inputs[:3]
    layout, tape, factors = blocks_of(node), Tape(), numpy_value(scales)
    assert packed is not None
    assert factors is not None
    zeros = initializer(model, f"{packed.name}_zeros", layout.zeros(*factors.shape))
    found = tape.op("Cast", [tape.op("Gather", [packed, ids])], {"to": ir.DataType.FLOAT})
    if layout.bits == 4:  # the first of two numbers lies in the lower half of its byte
        high = tape.op("Floor", [tape.op("Mul", [found, number(model, 1 / 16)])])
        low = tape.op("Sub", [found, tape.op("Mul", [high, number(model, 16.0)])])
        pair = [tape.op("Unsqueeze", [half, integers(model, -1)]) for half in (low, high)]
        found = tape.op("Concat", pair, {"axis": -1})
    blocks = tape.op("Reshape", [found, integers(model, 0, 0, -1, layout.block)])
    zero = tape.op("Cast", [tape.op("Gather", [zeros, ids])], {"to": ir.DataType.FLOAT})
    zero, factor = (tape.op("Unsqueeze", [x, integers(model, -1)]) for x in (zero, tape.op("Gather", [scales, ids])))
    rows = tape.op("Mul", [tape.op("Sub", [blocks, zero]), factor])
    replace_node(node, tape, tape.op("Reshape", [rows, constant(model, "rows_of_an_embedding", [0, 0, -1])]))


def blocks_of(node: ir.Node) -> Blocks:
    """Bits, block and zero points of a node."""
    zero_points = node.inputs[3] if len(node.inputs) > 3 else None
    return Blocks(node.attributes["bits"].as_int(), node.attributes["block_size"].as_int(), zero_points)
