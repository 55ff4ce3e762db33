"""Target `ort`: ONNX Runtime with its own `LinearAttention`, which has fast kernels for CPU, CUDA and WebGPU."""

from __future__ import annotations

from collections.abc import Sequence

from rfa_export.graph.cleanup import cleanup
from rfa_export.graph.draft import Draft, Drafts, Lowered
from rfa_export.graph.lowering.fuse import fuse, fuse_residuals
from rfa_export.runtimes.web import OnnxRuntimeWeb
from rfa_export.targets.catalogue import ORT
from rfa_export.targets.target import Target
from rfa_runtime.bundle.interface import ENCODER, MODEL, SCORE
from rfa_runtime.bundle.manifest import StateSpec

FILES = {MODEL: "model.onnx", SCORE: "model.score.onnx", ENCODER: "encoder.onnx"}


class Ort(Target):
    """Our own runtime decodes with these graphs; verification asks the browser's runtime about them too."""

    facts = ORT
    runtimes = (OnnxRuntimeWeb(),)

    def lower(self, drafts: Drafts, states: Sequence[StateSpec]) -> dict[str, Lowered]:
        """Every graph of the task, fused."""
        lowered = {}
        for role, draft in drafts.items():
            lowered[role] = fused(draft).lowered(FILES[role], self.name, states)
        return lowered


def fused(draft: Draft) -> Draft:
    """The draft's graph with fewer and larger operators."""
    if draft.fuse_residuals:
        return draft.after(fuse_residuals, fuse, cleanup)
    return draft.after(fuse, cleanup)
