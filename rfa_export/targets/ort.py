"""Target `ort`: ONNX Runtime with its own `LinearAttention`, which has fast kernels for CPU, CUDA and WebGPU."""

from __future__ import annotations

from collections.abc import Sequence

from rfa_export.graph.cleanup import cleanup
from rfa_export.graph.fuse import fuse, fuse_residuals
from rfa_export.targets.target import OUR_OWN, Draft, Drafts, Lowered
from rfa_runtime.manifest import StateSpec

FILES = {"model": "model.onnx", "score": "model.score.onnx", "encoder": "encoder.onnx"}


class Ort:
    """As `Target`.  Its graphs have the roles that rfa-runtime asks for."""

    name = OUR_OWN
    runtimes = ()

    def lower(self, drafts: Drafts, states: Sequence[StateSpec]) -> dict[str, Lowered]:
        """As Target.lower: fewer and larger operators."""
        return {role: self.fused(role, draft, states) for role, draft in drafts.items()}

    def fused(self, role: str, draft: Draft, states: Sequence[StateSpec]) -> Lowered:
        """One graph."""
        model = draft.model.clone()
        if draft.fuse_residuals:
            fuse_residuals(model)
        fuse(model)
        cleanup(model)
        return Lowered(model, draft.specify(model, FILES[role], self.name, states))
