"""Softplus without torch's shortcut for large values: ONNX runtimes compute it without overflow themselves."""

from __future__ import annotations

from typing import Any

import onnx_ir as ir
from onnxscript.rewriter import pattern, rewrite

from rfa_export.graph.edit import numpy_value

THRESHOLD = 20.0
"""torch's own.  There exp(-x) is below half a unit in x's last place, in float32; further down the shortcut shows."""


def plain_softplus(model: ir.Model) -> None:
    """where(x > threshold, x, softplus(x)) -> softplus(x), equal to float32 accuracy where the threshold is high."""
    rewrite(model, pattern_rewrite_rules=[pattern.RewriteRule(with_shortcut, without_shortcut, is_high)])


def with_shortcut(op: Any, x: ir.Value, threshold: ir.Value) -> ir.Value:
    """What torch.onnx writes."""
    return op.Where(op.Greater(x, threshold), x, op.Softplus(x))


def is_high(context: object, threshold: ir.Value, **_: ir.Value) -> bool:
    """The threshold is a constant from torch's own upwards."""
    value = numpy_value(threshold)
    return value is not None and value.size == 1 and value.item() >= THRESHOLD


def without_shortcut(op: Any, x: ir.Value, **_: ir.Value) -> ir.Value:
    """What ONNX runtimes compute without overflow."""
    return op.Softplus(x)
