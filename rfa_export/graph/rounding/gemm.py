"""Products that torch's exporter writes in another way where they have no time axis, as a classifier's last ones.

Gemm, x @ W or x @ W.T, + b        -> (Transpose,) MatMul, Add: what the passes over weights know
"""

from __future__ import annotations

import onnx_ir as ir
from onnx_ir.tape import Tape

from rfa_export.graph.edit import nodes_of, optional_input, replace_node

BIAS = 2
"""Which input of Gemm it is."""


def split_gemms(model: ir.Model) -> None:
    """Take every Gemm apart that neither scales anything nor reads its left side transposed."""
    for node in nodes_of(model, "Gemm"):
        if not node.attributes.get_int("transA", 0) and unscaled(node):
            split_gemm(node)


def split_gemm(node: ir.Node) -> None:
    """Write one Gemm as a product and, where there is a bias, a sum."""
    tape = Tape()
    x = node.inputs[0]
    weight = node.inputs[1]
    bias = optional_input(node, BIAS)
    if node.attributes.get_int("transB", 0):
        weight = tape.op("Transpose", [weight], {"perm": (1, 0)})
    result = tape.op("MatMul", [x, weight])
    if bias is not None:
        result = tape.op("Add", [result, bias])
    replace_node(node, tape, result)


def unscaled(node: ir.Node) -> bool:
    """Whether neither the product nor the bias is multiplied by a number."""
    alpha = node.attributes.get_float("alpha", 1.0)
    beta = node.attributes.get_float("beta", 1.0)
    return alpha == beta == 1.0
