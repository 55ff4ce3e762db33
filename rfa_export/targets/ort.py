"""Target `ort`: ONNX Runtime with its own `LinearAttention`, which has fast kernels for CPU, CUDA and WebGPU."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from rfa_export.graph.draft import Draft, Drafts, Lowered
from rfa_export.graph.lowering.fuse import fuse, fuse_residuals
from rfa_export.graph.rewrite.cleanup import cleanup
from rfa_export.graph.roles import ENCODER, MODEL, SCORE
from rfa_export.runtimes.web import OnnxRuntimeWeb
from rfa_export.targets.catalogue import ORT
from rfa_export.targets.target import Target
from rfa_runtime.bundle.manifest import StateSpec

FILES = {MODEL: "model.onnx", SCORE: "model.score.onnx", ENCODER: "encoder.onnx"}


class Ort(Target):
    """As `Target`."""

    facts = ORT
    runtimes = (OnnxRuntimeWeb(),)

    def lower(self, drafts: Drafts, states: Sequence[StateSpec]) -> dict[str, Lowered]:
        """As Target.lower."""
        return {role: draft.lowered(fused(draft), FILES[role], self.name, states) for role, draft in drafts.items()}


def fused(draft: Draft) -> ir.Model:
    """The draft's graph with fewer and larger operators."""
    model = draft.model.clone()
    if draft.fuse_residuals:
        fuse_residuals(model)
    fuse(model)
    cleanup(model)
    return model
