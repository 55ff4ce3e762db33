"""What every graph goes through, whatever it computes."""

from __future__ import annotations

import onnx_ir as ir

from rfa_export.graph.cleanup import cleanup
from rfa_export.graph.fuse import fuse, fuse_residuals


def simplify(model: ir.Model, residuals: bool = False) -> None:
    """Clean up, fuse, and clean up after that.  residuals: see `fuse_residuals`."""
    cleanup(model)
    if residuals:
        fuse_residuals(model)
    fuse(model)
    cleanup(model)
