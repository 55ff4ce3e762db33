"""Fewer and larger operators for ONNX Runtime: at one token, a node costs its launch more than its arithmetic.

`fuse`:

MatMulNBits, bias Add                           -> MatMulNBits with its bias
bias Add, Gelu                                  -> BiasGelu
signed floor of a denominator, division         -> bounded reciprocal, product
packed -> heads, x scale, heads -> packed       -> scale spread over the packed values by a 0/1 product

`fuse_residuals`, in language models whose weights are floats:

residual Add, (bias Add,) LayerNormalization    -> SkipLayerNormalization
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
from onnxscript.rewriter import pattern, rewrite
from onnxscript.rewriter.ort_fusions.bias_gelu import fuse_bias_gelu
from onnxscript.rewriter.ort_fusions.skip_normalization import fuse_skip_layer_normalization

from rfa_export.graph.edit import (
    constant,
    describe_like,
    dims,
    insert_before,
    made_by,
    nodes_of,
    numpy_value,
    only_reader,
)

NBITS_BIAS = 5
"""Which input of MatMulNBits its bias is."""


def fuse(model: ir.Model) -> None:
    """Merge biases, activations, divisions and the scales of heads with their neighbours."""
    add_biases(model)
    fuse_bias_gelu(model)
    rewrite(model, pattern_rewrite_rules=DIVISIONS)
    for node in nodes_of(model, "Mul"):
        scale_packed(model, node)


def fuse_residuals(model: ir.Model) -> None:
    """Merge residual sums with the norms behind them, where no weight is rounded.

    ONNX Runtime 1.32 has a LayerNormalization that is faster: with the two sums before it, it takes 1.8 us for one row
    of 512 where the fused operator takes 3.3, and 11 us for 16 rows where that takes 42.  Where a step reads float
    weights that does not show.  With int4 weights the GPT-2-small shape takes 0.945 times the time without
    SkipLayerNormalization and without BiasGelu.
    """
    if not nodes_of(model, "MatMulNBits"):
        fuse_skip_layer_normalization(model)


def add_biases(model: ir.Model) -> None:
    """Let every product of rounded weights add its bias itself."""
    for node in nodes_of(model, "MatMulNBits"):
        add_within(node)


def add_within(product: ir.Node) -> None:
    """Let a product add the bias that is added to it and to nothing else."""
    found = product.outputs[0]
    add = only_reader(found)
    if add is None or add.op_type != "Add" or len(product.inputs) > NBITS_BIAS:
        return
    left, right = add.inputs
    bias = right if left is found else left
    biased = add.outputs[0]
    if found.is_graph_output() or biased.is_graph_output():
        return
    if numpy_value(bias) is None or dims(bias) != [product.attributes["N"].as_int()]:
        return
    product.resize_inputs(NBITS_BIAS + 1)
    product.replace_input_with(NBITS_BIAS, bias)
    ir.convenience.replace_all_uses_with(biased, found)


def signed_floor(op: Any, den: ir.Value, zero: ir.Value, below: ir.Value, above: ir.Value) -> ir.Value:
    """A denominator kept from zero, as `rfa_models/attention/denominator.py` is traced."""
    return op.Where(op.Less(den, zero), op.Clip(den, None, below), op.Clip(den, above))


def floored_division(
    op: Any, num: ir.Value, den: ir.Value, zero: ir.Value, below: ir.Value, above: ir.Value
) -> ir.Value:
    """num / signed_floor(den)."""
    return op.Div(num, signed_floor(op, den, zero, below, above))


def floored_division_of_heads(
    op: Any, num: ir.Value, den: ir.Value, zero: ir.Value, below: ir.Value, above: ir.Value, wide: ir.Value
) -> ir.Value:
    """The same with one denominator for the numbers of a head: num [..., H, d], den [..., H]."""
    return op.Div(num, op.Reshape(signed_floor(op, den, zero, below, above), wide))


def is_signed_floor(context: object, zero: ir.Value, below: ir.Value, above: ir.Value, **_: ir.Value) -> bool:
    """The two bounds are float32 numbers that mirror each other around zero."""
    middle = float32_number(zero)
    lowest = float32_number(below)
    floor = float32_number(above)
    if middle is None or lowest is None or floor is None:
        return False
    return middle == 0 and lowest == -floor < 0


def float32_number(value: ir.Value | None) -> float | None:
    """What a float32 constant of one element holds; None for every other value."""
    found = numpy_value(value)
    if found is None or found.size != 1 or found.dtype != np.float32:
        return None
    return float(found.item())


def bounded_product(op: Any, num: ir.Value, den: ir.Value, above: ir.Value, **_: ir.Value) -> ir.Value:
    """num * clip(1 / den): the sign is kept, |1 / den| stays within 1 / floor; 1 / 0 is infinite, so bounded too.

    The sign differs only of a denominator -0.0.  It does not occur: a sum that starts at 0 never gives it.
    """
    return op.Mul(num, bounded_reciprocal(op, den, above))


def bounded_product_of_heads(
    op: Any, num: ir.Value, den: ir.Value, above: ir.Value, wide: ir.Value, **_: ir.Value
) -> ir.Value:
    """The same for the heads' numbers."""
    return op.Mul(num, op.Reshape(bounded_reciprocal(op, den, above), wide))


def bounded_reciprocal(op: Any, den: ir.Value, above: ir.Value) -> ir.Value:
    """1 / den within the bounds that the floor of `den` gives it."""
    floor = numpy_value(above)
    assert floor is not None, "is_signed_floor has seen it"
    bound = 1 / floor
    lowest = op.Constant(value=ir.tensor(np.float32(-bound)))
    highest = op.Constant(value=ir.tensor(np.float32(bound)))
    bounded: ir.Value = op.Clip(op.Reciprocal(den), lowest, highest)
    describe_like(bounded, den)
    return bounded


DIVISIONS = [
    pattern.RewriteRule(floored_division, bounded_product, is_signed_floor),
    pattern.RewriteRule(floored_division_of_heads, bounded_product_of_heads, is_signed_floor),
]


@dataclass(frozen=True)
class HeadScale:
    """Heads times a scale for each, between two views: packed -> [B, T, H, V] -> packed."""

    packed: ir.Value
    """[B, T, H V]."""
    scale: ir.Value
    """[B, T, H]."""
    heads: int
    width: int
    pack: ir.Node
    """The view behind the product, which gives [B, T, H V]."""


def scale_packed(model: ir.Model, product: ir.Node) -> None:
    """Multiply each head's packed values by the head's scale without leaving the packed layout.

    Reshape [B, T, H V] -> [B, T, H, V], Mul by [B, T, H, 1], Reshape back becomes Mul by `scale @ spread`, where the
    constant spread [H, H V] repeats each head's scale V times, exactly: its entries are 0 and 1.
    """
    found = head_scale(product)
    if found is None:
        return
    entries = np.repeat(np.eye(found.heads), found.width, axis=1)
    spread = constant(model, f"spread_{found.heads}x{found.width}", entries, np.float32)
    repeated = ir.node("MatMul", [found.scale, spread])
    scaled = ir.node("Mul", [found.packed, repeated.outputs[0]])
    result = found.pack.outputs[0]
    insert_before(found.pack, repeated, scaled)
    describe_like(repeated.outputs[0], result)
    describe_like(scaled.outputs[0], result)
    ir.convenience.replace_all_uses_with(result, scaled.outputs[0])


def head_scale(product: ir.Node) -> HeadScale | None:
    """Read a product as one of heads by their scales; None where it is another, or where sizes are not known."""
    unpack = made_by(product.inputs[0], "Reshape")
    widen = made_by(product.inputs[1], "Reshape")
    pack = only_reader(product.outputs[0])
    shape = dims(product.outputs[0])
    if unpack is None or widen is None or pack is None or pack.op_type != "Reshape":
        return None
    if shape is None or len(shape) != 4:
        return None
    *around, heads, width = shape
    packed = unpack.inputs[0]
    scale = widen.inputs[0]
    if packed is None or scale is None or not isinstance(heads, int) or not isinstance(width, int):
        return None
    if dims(scale) != [*around, heads]:
        return None
    if not dims(packed) == dims(pack.outputs[0]) == [*around, heads * width]:
        return None
    return HeadScale(packed, scale, heads, width, pack)
