"""Products take what is done just before or behind them into themselves.

MatMulNBits, bias Add                                       -> MatMulNBits with its bias
rows x scale, (Transpose,) product by random matrices       -> product by scaled matrices, where weights are floats

The second gives every layer matrices of its own in place of those that all share.  With int4 weights that costs more to
read than the node saves: the GPT-2-small shape takes 3% more time.
"""

from __future__ import annotations

import onnx_ir as ir

from rfa_export.graph.edit import dims, initializer, numpy_value
from rfa_export.graph.rewrite.cleanup import remove_unused

NBITS_BIAS = 5
"""Which input of MatMulNBits its bias is."""


def quantized(model: ir.Model) -> bool:
    """Whether any product reads rounded weights."""
    return any(node.op_type == "MatMulNBits" for node in model.graph)


def add_biases(model: ir.Model) -> None:
    """Apply the first."""
    for node in [node for node in model.graph if node.op_type == "MatMulNBits"]:
        add_within(node)


def add_within(product: ir.Node) -> None:
    """Let a product of rounded weights add the bias that is added to it alone."""
    found, readers = product.outputs[0], [use.node for use in product.outputs[0].uses()]
    if len(product.inputs) > NBITS_BIAS or [node.op_type for node in readers] != ["Add"]:
        return
    biased, bias = readers[0].outputs[0], next((value for value in readers[0].inputs if value is not found), None)
    kept = found.is_graph_output() or biased.is_graph_output()
    if not kept and numpy_value(bias) is not None and dims(bias) == [product.attributes["N"].as_int()]:
        product.resize_inputs(NBITS_BIAS + 1)
        product.replace_input_with(NBITS_BIAS, bias)
        ir.convenience.replace_all_uses_with(biased, found)


def scale_matrices(model: ir.Model) -> None:
    """Apply the second."""
    for node in [node for node in model.graph if node.op_type in ("MatMul", "FusedMatMul")]:
        scale_within(model, node)
    remove_unused(model)


def scale_within(model: ir.Model, product: ir.Node) -> None:
    """x * scale @ w becomes x @ w' for constants: scale [H, 1, d], w [H, d, D] or [..., H, 1, d, D]."""
    x, w = product.inputs
    reader, maker = product, x.producer() if x is not None else None
    if maker is not None and maker.op_type == "Transpose" and len(maker.outputs[0].uses()) == 1:
        reader, maker = maker, maker.inputs[0].producer() if maker.inputs[0] is not None else None
    if maker is None or maker.op_type != "Mul" or w is None:
        return
    rows, scale = maker.inputs
    factors, matrices = numpy_value(scale), numpy_value(w)
    if factors is None or matrices is None or factors.ndim != 3:
        return
    if matrices.shape[-4:-1] == factors.shape:
        scaled = matrices * factors[..., None]
    elif matrices.shape[:-1] == (len(factors), factors.shape[-1]):
        scaled = matrices * factors.swapaxes(1, 2)
    else:
        return
    assert scale is not None
    reader.replace_input_with(0, rows)
    product.replace_input_with(1, initializer(model, f"{scale.name}_{w.name}", scaled))
