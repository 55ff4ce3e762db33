"""Random matrices take the scale of what they multiply into themselves, where weights are floats.

rows x scale, (Transpose,) product by random matrices       -> product by scaled matrices

Every layer then has its own matrices in place of those that all share.  With int4 weights that costs more to read than
the node saves: the GPT-2-small shape takes 3% more time.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from rfa_export.graph.cleanup import remove_unused
from rfa_export.graph.edit import initializer, made_by, nodes_of, numpy_value, only_reader


def scale_matrices(model: ir.Model) -> None:
    """Multiply the constant matrices of a product once, here, instead of its rows at every step."""
    for node in nodes_of(model, "MatMul", "FusedMatMul"):
        scale_within(model, node)
    remove_unused(model)


def scale_within(model: ir.Model, product: ir.Node) -> None:
    """x * scale @ w becomes x @ w' for constants: scale [H, 1, d], w [H, d, D] or [..., H, 1, d, D]."""
    x, w = product.inputs
    reader = product
    turn = made_by(x, "Transpose")
    if turn is not None and only_reader(turn.outputs[0]) is not None:
        reader = turn
    scaling = made_by(reader.inputs[0], "Mul")
    if scaling is None or w is None:
        return
    rows, scale = scaling.inputs
    matrices = scaled(numpy_value(w), numpy_value(scale))
    if matrices is None:
        return
    assert scale is not None
    reader.replace_input_with(0, rows)
    product.replace_input_with(1, initializer(model, f"{scale.name}_{w.name}", matrices))


def scaled(matrices: np.ndarray | None, factors: np.ndarray | None) -> np.ndarray | None:
    """The matrices with their rows scaled; None where one is computed, or where the shapes are others."""
    if matrices is None or factors is None or factors.ndim != 3:
        return None
    if matrices.shape[-4:-1] == factors.shape:
        return matrices * factors[..., None]
    if matrices.shape[:-1] == (len(factors), factors.shape[-1]):
        return matrices * factors.swapaxes(1, 2)
    return None
