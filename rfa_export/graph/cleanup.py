"""Leave in the graph what a step computes, and nothing that only tracing needed."""

from __future__ import annotations

import onnx_ir as ir
from onnx_ir.passes import common
from onnxscript import optimizer

from rfa_export.graph.softplus import plain_softplus
from rfa_export.graph.views import constant_views

NO_LIMIT = 1 << 40
"""Bytes: what depends only on weights is computed here, whatever its size."""


def cleanup(model: ir.Model) -> None:
    """Fold constants, write views with constant shapes, remove what nobody reads."""
    optimizer.fold_constants(model, input_size_limit=NO_LIMIT, output_size_limit=NO_LIMIT, should_fold=is_worth_folding)
    # Infers the shapes that later passes ask for, removes arithmetic with neutral elements.
    optimizer.optimize_ir(model, should_fold=is_worth_folding)
    remove_unused(model)
    constant_views(model)
    plain_softplus(model)
    remove_unused(model)
    common.NameFixPass()(model)


def is_worth_folding(node: ir.Node) -> bool | None:
    """Store no transposed second copy of a weight that is needed as it is: a tied embedding.

    Constants of a known shape are written out, as they are joined with weights.
    Returns None where the optimizer shall decide as usual.
    """
    if node.op_type == "ConstantOfShape":
        return True
    if node.op_type != "Transpose":
        return None
    weight = node.inputs[0]
    if weight is None or not weight.is_initializer():
        return None
    return len(weight.uses()) == 1


def remove_unused(model: ir.Model) -> None:
    """Remove nodes without readers, identities, equal constants, and inputs that the module ignores."""
    common.IdentityEliminationPass()(model)
    common.CommonSubexpressionEliminationPass()(model)
    common.RemoveUnusedNodesPass()(model)
    common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
    common.DeduplicateInitializersPass()(model)
    common.RemoveUnusedNodesPass()(model)
    for value in list(model.graph.inputs):
        if not value.uses():
            model.graph.inputs.remove(value)
    common.ClearMetadataAndDocStringPass()(model)
    common.RemoveUnusedFunctionsPass()(model)
    common.RemoveUnusedOpsetsPass()(model)
