"""One copy of a vocabulary that an embedding and a product share, in a format that keeps a weight for each shape.

float32       MatMul(x, Transpose(matrix))        -> FusedMatMul, which reads the matrix as the embedding does
int8, int4    GatherBlockQuantized of rows [N, K] -> of blocks [N, K / block, block], which MatMulNBits reads, joined

Only such a format gains: a graph beside a file of weights has every shape of the same bytes for nothing.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from onnx_ir.tape import Tape

from rfa_export.graph.cleanup import remove_unused
from rfa_export.graph.edit import describe_like, initializer, integers, made_by, nodes_of, numpy_value, replace_node
from rfa_export.graph.names import CONTRIB

NIBBLE = 0xF
NUMBERS, INDICES, SCALES, ZERO_POINTS = range(4)
"""Inputs of GatherBlockQuantized."""
WEIGHTS = 1
"""Which input of MatMulNBits holds its numbers."""


def share_vocabulary(model: ir.Model) -> None:
    """Let every product and every embedding of one weight read one tensor, in place."""
    read_transposed(model)
    for gather in nodes_of(model, "GatherBlockQuantized"):
        rows = numpy_value(gather.inputs[NUMBERS])
        for product in nodes_of(model, "MatMulNBits"):
            blocks = numpy_value(product.inputs[WEIGHTS])
            if rows is not None and blocks is not None and has_bytes_of(rows, blocks):
                gather_blocks(model, gather, product.inputs[WEIGHTS])
                break
    remove_unused(model)


def read_transposed(model: ir.Model) -> None:
    """Let every product by the transpose of float32 weights read the weights themselves."""
    for node in nodes_of(model, "MatMul"):
        turn = made_by(node.inputs[1], "Transpose")
        weights = None if turn is None else turn.inputs[0]
        matrix = numpy_value(weights)
        if matrix is None or matrix.ndim != 2 or matrix.dtype != np.float32:
            continue
        tape = Tape()
        found = tape.op("FusedMatMul", [node.inputs[0], weights], {"transB": 1}, domain=CONTRIB, version=1)
        describe_like(found, node.outputs[0])
        replace_node(node, tape, found)


def has_bytes_of(rows: np.ndarray, blocks: np.ndarray) -> bool:
    """Whether two tensors are one weight, seen as rows and as blocks."""
    return len(rows) == len(blocks) and rows.size == blocks.size and np.array_equal(rows, blocks.reshape(rows.shape))


def gather_blocks(model: ir.Model, gather: ir.Node, blocks: ir.Value | None) -> None:
    """Take the blocks of each row, and join them.  blocks: uint8 [N, blocks, bytes of a block]."""
    scales = numpy_value(gather.inputs[SCALES])
    assert scales is not None
    bits = gather.attributes["bits"].as_int()
    inputs = [blocks, gather.inputs[INDICES], initializer(model, "scales_of_blocks", scales[:, :, None])]
    if len(gather.inputs) > ZERO_POINTS:
        zeros = numpy_value(gather.inputs[ZERO_POINTS])
        assert zeros is not None
        inputs.append(initializer(model, "zero_points_of_blocks", unpacked(zeros, bits, scales.shape[1])[:, :, None]))
    attributes = {
        "bits": bits,
        "block_size": gather.attributes["block_size"].as_int(),
        "gather_axis": 0,
        "quantize_axis": 2,
    }
    tape = Tape()
    taken = tape.op("GatherBlockQuantized", inputs, attributes, domain=CONTRIB, version=1)
    replace_node(gather, tape, tape.op("Reshape", [taken, integers(model, 0, 0, -1)]))


def unpacked(zeros: np.ndarray, bits: int, blocks: int) -> np.ndarray:
    """A byte for the zero point of each block.  zeros: uint8 [N, bytes], two in each where they have 4 bits."""
    if bits == 8:
        return zeros
    both = np.stack([zeros & NIBBLE, zeros >> 4], axis=-1)
    return both.reshape(len(zeros), -1)[:, :blocks]
