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

from rfa_export.graph.edit import (
    constant,
    initializer,
    integers,
    number,
    numpy_value,
    optional_input,
    replace_node,
)
from rfa_export.graph.packed import unpacked, zero_points


@dataclass(frozen=True)
class Blocks:
    """How a node's weight is laid out."""

    bits: int
    block: int
    """Numbers that share a scale."""
    zero_points: ir.Value | None
    """None where zero lies in the middle."""

    @property
    def dtype(self) -> np.dtype:
        """The type of one number in the standard."""
        return np.dtype(ml_dtypes.uint4 if self.bits == 4 else np.uint8)

    def zeros(self, rows: int, blocks: int) -> np.ndarray:
        """Zero points of all blocks, uint8 [N, K / block]."""
        return zero_points(numpy_value(self.zero_points), self.bits, rows, blocks)


def lower_quantized_product(model: ir.Model, node: ir.Node) -> None:
    """x @ dequantized(W).T, W [N, K] with a scale for each block along K."""
    x, packed, scales = node.inputs[:3]
    assert packed is not None
    assert scales is not None
    packed_bytes = numpy_value(packed)
    assert packed_bytes is not None
    layout = blocks_of(node)
    rows = node.attributes["N"].as_int()
    columns = node.attributes["K"].as_int()
    numbers = unpacked(packed_bytes.reshape(rows, -1), layout.bits)
    zeros = layout.zeros(rows, columns // layout.block)
    weight = initializer(model, f"{packed.name}_matrix", numbers.astype(layout.dtype))
    zero = initializer(model, f"{packed.name}_zeros", zeros.astype(layout.dtype))
    tape = Tape()
    matrix = tape.op("DequantizeLinear", [weight, scales, zero], {"axis": 1, "block_size": layout.block})
    turned = tape.op("Transpose", [matrix], {"perm": (1, 0)})
    replace_node(node, tape, tape.op("MatMul", [x, turned]))


def lower_quantized_embedding(model: ir.Model, node: ir.Node) -> None:
    """Rows of bytes [N, K bits / 8], taken apart into numbers and multiplied block by block."""
    packed, ids, scales = node.inputs[:3]
    assert packed is not None
    factors = numpy_value(scales)
    assert factors is not None
    layout = blocks_of(node)
    rows, blocks = factors.shape
    zeros = initializer(model, f"{packed.name}_zeros", layout.zeros(rows, blocks))
    tape = Tape()
    found = tape.op("Cast", [tape.op("Gather", [packed, ids])], {"to": ir.DataType.FLOAT})
    if layout.bits == 4:
        found = both_halves(model, tape, found)
    by_block = tape.op("Reshape", [found, integers(model, 0, 0, -1, layout.block)])
    zero = tape.op("Cast", [tape.op("Gather", [zeros, ids])], {"to": ir.DataType.FLOAT})
    factor = tape.op("Gather", [scales, ids])
    zero = tape.op("Unsqueeze", [zero, integers(model, -1)])
    factor = tape.op("Unsqueeze", [factor, integers(model, -1)])
    values = tape.op("Mul", [tape.op("Sub", [by_block, zero]), factor])
    replace_node(node, tape, tape.op("Reshape", [values, constant(model, "rows_of_an_embedding", [0, 0, -1])]))


def both_halves(model: ir.Model, tape: Tape, packed: ir.Value) -> ir.Value:
    """Bytes as floats [..., K / 2] -> the two numbers in each [..., K / 2, 2], the lower half first."""
    high = tape.op("Floor", [tape.op("Mul", [packed, number(model, 1 / 16)])])
    low = tape.op("Sub", [packed, tape.op("Mul", [high, number(model, 16.0)])])
    low = tape.op("Unsqueeze", [low, integers(model, -1)])
    high = tape.op("Unsqueeze", [high, integers(model, -1)])
    return tape.op("Concat", [low, high], {"axis": -1})


def blocks_of(node: ir.Node) -> Blocks:
    """Bits, block and zero points of a node."""
    bits = node.attributes["bits"].as_int()
    block = node.attributes["block_size"].as_int()
    return Blocks(bits, block, optional_input(node, 3))
