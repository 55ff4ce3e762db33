"""Products that torch's exporter writes in another way where they have no time axis, as a classifier's last ones.

Gemm, x @ W or x @ W.T, + b        -> (Transpose,) MatMul, Add: what the passes over weights know
"""

from __future__ import annotations

import onnx_ir as ir
from onnx_ir.tape import Tape

from rfa_export.graph.edit import replace_node


def split_gemms(model: ir.Model) -> None:
    """Take every Gemm apart that neither scales anything nor reads its left side transposed."""
    for node in model.graph:
        if node.op_type == "Gemm" and not node.attributes.get_int("transA", 0) and unscaled(node):
            tape, (x, weight, *bias) = Tape(), node.inputs
            if node.attributes.get_int("transB", 0):
                weight = tape.op("Transpose", [weight], {"perm": (1, 0)})
            product = tape.op("MatMul", [x, weight])
            replace_node(node, tape, tape.op("Add", [product, *bias]) if any(bias) else product)


def unscaled(node: ir.Node) -> bool:
    """Whether both of its factors are 1."""
    return all(node.attributes.get_float(name, 1.0) == 1.0 for name in ("alpha", "beta"))
