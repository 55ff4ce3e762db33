"""Fewer and larger operators for ONNX Runtime: at one token, a node costs its launch more than its arithmetic.

MatMulNBits, bias Add                           -> MatMulNBits with its bias: `fuse_products.py`
bias Add, Gelu                                  -> BiasGelu
packed -> heads, x scale, heads -> packed       -> scale spread over the packed values by a 0/1 product
signed floor of a denominator, division         -> bounded reciprocal, product

and, in language models of floats alone (see there):

residual Add, (bias Add,) LayerNormalization    -> SkipLayerNormalization
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from onnxscript.rewriter import pattern, rewrite
from onnxscript.rewriter.ort_fusions.bias_gelu import fuse_bias_gelu
from onnxscript.rewriter.ort_fusions.skip_normalization import fuse_skip_layer_normalization

from rfa_export.graph.edit import constant, dims, insert_before, numpy_value
from rfa_export.graph.lowering.fuse_products import add_biases, quantized


def fuse(model: ir.Model) -> None:
    """Apply all of the above but the last."""
    add_biases(model)
    fuse_bias_gelu(model)
    rewrite(model, pattern_rewrite_rules=[pattern.RewriteRule(floored_division, bounded_product, is_signed_floor)])
    for node in [node for node in model.graph if node.op_type == "Mul"]:
        scale_packed(model, node)


def fuse_residuals(model: ir.Model) -> None:
    """Apply the last.

    ONNX Runtime 1.32 has a LayerNormalization that is faster: with the two sums before it, it takes 1.8 us for one row
    of 512 where the fused operator takes 3.3, and 11 us for 16 rows where that takes 42.  Where a step reads float
    weights that does not show.  With int4 weights the GPT-2-small shape takes 0.945 times the time without
    SkipLayerNormalization and without BiasGelu.
    """
    if not quantized(model):
        fuse_skip_layer_normalization(model)


def floored_division(op, num, den, zero, below, above):  # type: ignore[no-untyped-def]
    """num / signed_floor(den), as `rfa_models/denominator.py` is traced."""
    return op.Div(num, op.Where(op.Less(den, zero), op.Clip(den, None, below), op.Clip(den, above)))


def is_signed_floor(context, zero, below, above, **_) -> bool:  # type: ignore[no-untyped-def]
    """The two bounds are float32 numbers that mirror each other around zero."""
    bounds = [numpy_value(value) for value in (zero, below, above)]
    if any(bound is None or bound.size != 1 or bound.dtype != np.float32 for bound in bounds):
        return False
    middle, lowest, floor = (bound.item() for bound in bounds if bound is not None)
    return middle == 0 and lowest == -floor < 0


def bounded_product(op, num, den, above, **_):  # type: ignore[no-untyped-def]
    """num * clip(1 / den): the sign is kept, |1 / den| stays within 1 / floor; 1 / 0 is infinite, so bounded too.

    Of a denominator -0.0 alone the sign differs.  It does not occur: a sum that starts at 0 never gives it.
    """
    floor = numpy_value(above)
    assert floor is not None  # is_signed_floor has seen it
    bound = 1 / floor
    limits = [op.Constant(value=ir.tensor(np.float32(limit))) for limit in (-bound, bound)]
    return op.Mul(num, op.Clip(op.Reciprocal(den), *limits))


def scale_packed(model: ir.Model, node: ir.Node) -> None:
    """Multiply each head's packed values by the head's scale without leaving the packed layout.

    Reshape [B, T, H V] -> [B, T, H, V], Mul by [B, T, H, 1], Reshape back becomes Mul by `scale @ spread`, where the
    constant spread [H, H V] repeats each head's scale V times, exactly: its entries are 0 and 1.
    """
    unpack, widen = (value.producer() if value is not None else None for value in node.inputs)
    readers = [use.node for use in node.outputs[0].uses()]
    if unpack is None or widen is None or len(readers) != 1:
        return
    pack, shape = readers[0], dims(node.outputs[0])
    if any(view.op_type != "Reshape" for view in (unpack, widen, pack)) or shape is None or len(shape) != 4:
        return
    packed, scale, heads, width = unpack.inputs[0], widen.inputs[0], shape[2], shape[3]
    if not isinstance(heads, int) or not isinstance(width, int):
        return
    if dims(scale) != [*shape[:2], heads] or not dims(packed) == dims(pack.outputs[0]) == [*shape[:2], heads * width]:
        return
    spread = constant(model, f"spread_{heads}x{width}", np.repeat(np.eye(heads), width, axis=1), np.float32)
    repeated = ir.node("MatMul", [scale, spread])
    product = ir.node("Mul", [packed, repeated.outputs[0]])
    insert_before(pack, repeated, product)
    for value in (repeated.outputs[0], product.outputs[0]):
        value.shape, value.type = pack.outputs[0].shape, pack.outputs[0].type
    ir.convenience.replace_all_uses_with(pack.outputs[0], product.outputs[0])
