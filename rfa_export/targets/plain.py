"""Target `plain`: ordinary operators from opset 17 on, for OpenVINO, TensorRT and every older runtime.

A decoder becomes two graphs: `model.plain` takes one token, `prefill.plain` a chunk of a prompt.  The chunk's cost is
quadratic only in its own length: a prompt read chunk by chunk takes linear time, in constant memory.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from rfa_export.graph.cleanup import cleanup
from rfa_export.graph.draft import Draft, Drafts, Lowered
from rfa_export.graph.edit import fix_size, nodes_of
from rfa_export.graph.lowering.older_opset import lower_to_opset
from rfa_export.graph.lowering.opsets import FIRST_WITH_BLOCKS, OLDEST
from rfa_export.graph.lowering.plain_attention import recurrent_chunk, recurrent_step
from rfa_export.graph.lowering.standard_operators import standard_products
from rfa_export.runtimes.onnx_runtime import OnnxRuntime
from rfa_export.runtimes.openvino import OpenVino
from rfa_export.targets.catalogue import PLAIN
from rfa_export.targets.target import Target
from rfa_runtime.bundle.interface import ENCODER, MODEL, PREFILL, SEQUENCE, role_in_bundle
from rfa_runtime.bundle.manifest import StateSpec


class Plain(Target):
    """Graphs that name no operator of attention."""

    facts = PLAIN
    runtimes = (OnnxRuntime(), OpenVino())

    def __init__(self, opset: int = OLDEST) -> None:
        """opset: one that ExportConfig has checked."""
        self.opset = opset

    def lower(self, drafts: Drafts, states: Sequence[StateSpec]) -> dict[str, Lowered]:
        """The model, or its two forms where it carries a state, and the encoder of a translator."""
        graphs = {MODEL: drafts[MODEL].after(standard_products)}
        if states:
            graphs[PREFILL] = graphs[MODEL].after(recurrent_chunk)
            graphs[MODEL] = graphs[MODEL].after(one_token, recurrent_step)
        if ENCODER in drafts:
            graphs[ENCODER] = drafts[ENCODER].after(standard_products)
        lowered = {}
        for role, graph in graphs.items():
            lowered[role_in_bundle(role, self.name)] = self.finished(role, graph, states)
        return lowered

    def finished(self, role: str, draft: Draft, states: Sequence[StateSpec]) -> Lowered:
        """The graph of a role in the operators of its opset."""
        ordinary = draft.after(cleanup, self.write_for_opset)
        return ordinary.lowered(f"{role}.{self.name}.onnx", self.name, states)

    def write_for_opset(self, model: ir.Model) -> None:
        """Lower a graph to the opset asked for, or to the oldest that knows its weights."""
        opset = self.opset
        if nodes_of(model, "DequantizeLinear"):
            opset = max(opset, FIRST_WITH_BLOCKS)
        lower_to_opset(model, opset)


def one_token(model: ir.Model) -> None:
    """Make the graph's sequence 1, in the shapes of everything."""
    fix_size(model, SEQUENCE, 1)
