"""Softplus without torch's shortcut for large values: ONNX runtimes compute it without overflow themselves."""

from __future__ import annotations

import onnx_ir as ir
from onnxscript.rewriter import pattern, rewrite


def plain_softplus(model: ir.Model) -> None:
    """where(x > threshold, x, softplus(x)) -> softplus(x), equal to float32 accuracy beyond the threshold of 20."""
    rewrite(model, pattern_rewrite_rules=[pattern.RewriteRule(with_shortcut, without_shortcut)])


def with_shortcut(op, x, threshold):  # type: ignore[no-untyped-def]
    """What torch.onnx writes."""
    return op.Where(op.Greater(x, threshold), x, op.Softplus(x))


def without_shortcut(op, x, **_):  # type: ignore[no-untyped-def]
    """What is left."""
    return op.Softplus(x)
