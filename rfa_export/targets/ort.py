"""Target `ort`: ONNX Runtime with its own `LinearAttention`, which has fast kernels for CPU, CUDA and WebGPU.

A decoder's graph serves one token as well as a prompt.  With `throughput` it has a second one for many tokens or rows:

    few rows     MatMulNBits                 reads the fewest bytes
    many rows    MatMulIntegerToFloat        multiplies the most numbers in a second, see `whole_products.py`
"""

from __future__ import annotations

from collections.abc import Sequence

from rfa_export.graph.cleanup import cleanup
from rfa_export.graph.draft import Draft, Drafts, Lowered
from rfa_export.graph.edit import Pass
from rfa_export.graph.lowering.fuse import fuse, fuse_residuals
from rfa_export.graph.lowering.many_rows import project_many
from rfa_export.graph.lowering.whole_products import WholeProducts
from rfa_export.runtimes.web import OnnxRuntimeWeb
from rfa_export.targets.catalogue import ORT
from rfa_export.targets.target import Target
from rfa_runtime.bundle.interface import ENCODER, MODEL, SCORE, THROUGHPUT
from rfa_runtime.bundle.manifest import StateSpec, kinds

FILES = {
    MODEL: "model.onnx",
    THROUGHPUT: "model.throughput.onnx",
    SCORE: "model.score.onnx",
    ENCODER: "encoder.onnx",
}


class Ort(Target):
    """Our own runtime decodes with these graphs; verification asks the browser's runtime about them too."""

    facts = ORT
    runtimes = (OnnxRuntimeWeb(),)

    def __init__(self, throughput: bool = False) -> None:
        """throughput: whether graphs for many rows multiply 8-bit numbers."""
        self.throughput = throughput

    def lower(self, drafts: Drafts, states: Sequence[StateSpec]) -> dict[str, Lowered]:
        """Every graph of the task, fused, and the one for many rows."""
        whole: list[Pass] = [WholeProducts()] if self.throughput else []
        graphs = {}
        for role, draft in drafts.items():
            if role == MODEL and states:
                graphs[MODEL] = fused(draft)
            else:
                graphs[role] = fused(draft, project_many, *whole)
        if self.throughput and "recurrent" in kinds(states):
            graphs[THROUGHPUT] = fused(drafts[MODEL], project_many, *whole)
        lowered = {}
        for role, draft in graphs.items():
            lowered[role] = draft.lowered(FILES[role], self.name, states)
        return lowered


def fused(draft: Draft, *others: Pass) -> Draft:
    """The draft's graph with fewer and larger operators.  others: what it goes through after that."""
    passes = [fuse_residuals] if draft.fuse_residuals else []
    return draft.after(*passes, fuse, *others, cleanup)
