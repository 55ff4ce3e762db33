"""Target `onnx27`: standard ONNX alone, with the `LinearAttention` of opset 27."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from rfa_export.graph.draft import Drafts, Lowered
from rfa_export.graph.lowering.standard_operators import standard_linear_attention, standard_products
from rfa_export.graph.rewrite.cleanup import cleanup
from rfa_export.graph.roles import ENCODER, MODEL, role_in_bundle
from rfa_export.runtimes.onnx_runtime import OnnxRuntime
from rfa_export.runtimes.reference import Reference
from rfa_export.targets.catalogue import ONNX27
from rfa_export.targets.target import Target
from rfa_runtime.bundle.manifest import StateSpec


class Onnx27(Target):
    """As `Target`."""

    facts = ONNX27
    runtimes = (OnnxRuntime(), Reference())

    def lower(self, drafts: Drafts, states: Sequence[StateSpec]) -> dict[str, Lowered]:
        """As Target.lower."""
        made = {}
        for role in (MODEL, ENCODER):
            if role in drafts:
                model = standard(drafts[role].model)
                file = f"{role}.{self.name}.onnx"
                made[role_in_bundle(role, self.name)] = drafts[role].lowered(model, file, self.name, states)
        return made


def standard(draft: ir.Model) -> ir.Model:
    """The graph in operators of the standard."""
    model = draft.clone()
    standard_products(model)
    cleanup(model)
    standard_linear_attention(model)
    return model
