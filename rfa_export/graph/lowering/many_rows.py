"""Random projections of many tokens: one product for each head, over the rows of the batch and all their tokens.

    x [B, T, ..., H, 1, d] @ w [H, d, D]          a product of one row for each token and head
    x [B T, ..., H, 1, d], w: FusedMatMul         B T rows at once, read where they lie

At one token of one text there is one row anyway; at 512 tokens the products take a third of the time.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from onnx_ir.tape import Tape

from rfa_export.graph.edit import (
    Dims,
    describe_like,
    dims,
    initializer,
    integers,
    nodes_of,
    numpy_value,
    replace_node,
)
from rfa_export.graph.names import CONTRIB

HEADS_FIRST = 3
"""Dimensions of the matrices of all heads: [H, d, D]."""
HEADS_PLACE = -3
"""Where x has its heads: [..., H, 1, d]."""


def project_many(model: ir.Model) -> None:
    """Write every product of heads by their own matrices for many rows."""
    for node in nodes_of(model, "MatMul"):
        matrices = numpy_value(node.inputs[1])
        shape = dims(node.inputs[0])
        if matrices is None or shape is None or matrices.ndim != HEADS_FIRST or len(shape) < HEADS_FIRST + 2:
            continue
        sizes = sizes_of(model, shape)
        if sizes is not None and shape[HEADS_PLACE] == len(matrices):
            write_product(model, node, shape, sizes)


def sizes_of(model: ir.Model, shape: Dims) -> ir.Value | None:
    """Return a graph input of the sizes that a shape begins with: [B, T].  None where there is none."""
    for value in model.graph.inputs:
        if dims(value) == shape[:2]:
            return value
    return None


def write_product(model: ir.Model, node: ir.Node, shape: Dims, sizes: ir.Value) -> None:
    """Replace one product.  shape: of its left side.  sizes: an input of the graph, [B, T]."""
    x, matrices = node.inputs
    assert matrices is not None
    numbers = numpy_value(matrices)
    assert numbers is not None
    *_, vectors = numbers.shape
    tail = [int(size) for size in shape[2:]]
    right = initializer(model, f"{matrices.name}_of_heads_{len(tail)}", in_rank(numbers, len(tail) + 1))
    tape = Tape()
    rows = tape.op("Reshape", [x, integers(model, -1, *tail)])
    product = tape.op("FusedMatMul", [rows, right], {"transBatchA": 1}, domain=CONTRIB, version=1)
    rank = len(tail) + 1
    by_row = tape.op("Transpose", [product], {"perm": (rank - 2, *range(rank - 2), rank - 1)})
    lengths = tape.op("Shape", [sizes])
    target = tape.op("Concat", [lengths, integers(model, *tail[:-1], vectors)], {"axis": 0})
    found = tape.op("Reshape", [by_row, target])
    describe_like(found, node.outputs[0])
    replace_node(node, tape, found)


def in_rank(matrices: np.ndarray, rank: int) -> np.ndarray:
    """[H, d, D] -> [1, ..., H, 1, d, D]: FusedMatMul does not broadcast over dimensions that are missing."""
    heads, width, vectors = matrices.shape
    ones = [1] * (rank - HEADS_FIRST - 1)
    return matrices.reshape(*ones, heads, 1, width, vectors)
