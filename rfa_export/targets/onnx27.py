"""Target `onnx27`: nothing but standard ONNX, with the `LinearAttention` of opset 27."""

from __future__ import annotations

from collections.abc import Sequence

from rfa_export.graph.cleanup import cleanup
from rfa_export.graph.draft import Drafts, Lowered
from rfa_export.graph.lowering.standard_operators import standard_linear_attention, standard_products
from rfa_export.runtimes.onnx_runtime import OnnxRuntime
from rfa_export.runtimes.reference import Reference
from rfa_export.targets.catalogue import ONNX27
from rfa_export.targets.target import Target
from rfa_runtime.bundle.interface import ENCODER, MODEL, role_in_bundle
from rfa_runtime.bundle.manifest import StateSpec

READS_OPSET_27 = (1, 32)
"""ONNX Runtime 1.28 to 1.31 take opset 27 for unfinished and refuse it unless ALLOW_RELEASED_ONNX_OPSET_ONLY is 0."""


class Onnx27(Target):
    """One graph for prefill and decoding, and the encoder of a translator."""

    facts = ONNX27
    runtimes = (OnnxRuntime(READS_OPSET_27), Reference())

    def lower(self, drafts: Drafts, states: Sequence[StateSpec]) -> dict[str, Lowered]:
        """The graphs in operators of the standard."""
        lowered = {}
        for role in (MODEL, ENCODER):
            if role in drafts:
                draft = drafts[role].after(standard_products, cleanup, standard_linear_attention)
                file = f"{role}.{self.name}.onnx"
                lowered[role_in_bundle(role, self.name)] = draft.lowered(file, self.name, states)
        return lowered
