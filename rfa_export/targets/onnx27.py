"""Target `onnx27`: standard ONNX alone, with the `LinearAttention` of opset 27."""

from __future__ import annotations

from collections.abc import Sequence

from rfa_export.graph.cleanup import cleanup
from rfa_export.graph.standard_operators import standard_linear_attention, standard_products
from rfa_export.runtimes.onnx_runtime import OnnxRuntime
from rfa_export.runtimes.reference import Reference
from rfa_export.targets.target import Draft, Drafts, Lowered, role_in_bundle
from rfa_runtime.manifest import StateSpec

ROLES = ("model", "encoder")
"""Scoring is for our own runtime."""


class Onnx27:
    """As `Target`.  Its graphs have the roles `model.onnx27` and `encoder.onnx27`."""

    name = "onnx27"
    runtimes = (OnnxRuntime(), Reference())

    def lower(self, drafts: Drafts, states: Sequence[StateSpec]) -> dict[str, Lowered]:
        """As Target.lower."""
        return {
            role_in_bundle(role, self.name): self.standard(role, drafts[role], states)
            for role in ROLES
            if role in drafts
        }

    def standard(self, role: str, draft: Draft, states: Sequence[StateSpec]) -> Lowered:
        """One graph."""
        model = draft.model.clone()
        standard_products(model)
        cleanup(model)
        standard_linear_attention(model)
        return Lowered(model, draft.specify(model, f"{role}.{self.name}.onnx", self.name, states))
