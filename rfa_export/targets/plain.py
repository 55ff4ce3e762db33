"""Target `plain`: ordinary operators from opset 17 on, for OpenVINO, TensorRT and every older runtime.

A decoder becomes two graphs: `model.plain` takes one token, `prefill.plain` a chunk of a prompt.  The chunk's cost is
quadratic in its own length alone: a prompt read chunk by chunk takes linear time, in constant memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import onnx_ir as ir

from rfa_export.graph.draft import Draft, Drafts, Lowered
from rfa_export.graph.lowering.older_opset import lower_to_opset
from rfa_export.graph.lowering.opsets import FIRST_WITH_BLOCKS, OLDEST
from rfa_export.graph.lowering.plain_attention import recurrent_chunk, recurrent_step
from rfa_export.graph.lowering.standard_operators import standard_products
from rfa_export.graph.names import SEQUENCE
from rfa_export.graph.rewrite.cleanup import cleanup
from rfa_export.graph.roles import ENCODER, MODEL, PREFILL, role_in_bundle
from rfa_export.runtimes.onnx_runtime import OnnxRuntime
from rfa_export.runtimes.openvino import OpenVino
from rfa_export.targets.catalogue import PLAIN
from rfa_export.targets.target import Target
from rfa_runtime.bundle.manifest import StateSpec

Pass = Callable[[ir.Model], None]


class Plain(Target):
    """As `Target`."""

    facts = PLAIN
    runtimes = (OnnxRuntime(), OpenVino())

    def __init__(self, opset: int = OLDEST) -> None:
        """opset: one that ExportConfig has checked."""
        self.opset = opset

    def lower(self, drafts: Drafts, states: Sequence[StateSpec]) -> dict[str, Lowered]:
        """As Target.lower."""
        graphs: dict[str, tuple[Draft, tuple[Pass, ...]]] = {MODEL: (drafts[MODEL], ())}
        if states:
            graphs = {MODEL: (drafts[MODEL], (one_token, recurrent_step)), PREFILL: (drafts[MODEL], (recurrent_chunk,))}
        if ENCODER in drafts:
            graphs[ENCODER] = drafts[ENCODER], ()
        return {
            role_in_bundle(role, self.name): draft.lowered(
                self.ordinary(draft.model, passes), f"{role}.{self.name}.onnx", self.name, states
            )
            for role, (draft, passes) in graphs.items()
        }

    def ordinary(self, draft: ir.Model, passes: Sequence[Pass]) -> ir.Model:
        """The graph in ordinary operators.  passes: what becomes of attention and its sequence."""
        model = draft.clone()
        standard_products(model)
        for change in passes:
            change(model)
        cleanup(model)
        quantized = any(node.op_type == "DequantizeLinear" for node in model.graph)
        lower_to_opset(model, max(self.opset, FIRST_WITH_BLOCKS) if quantized else self.opset)
        return model


def one_token(model: ir.Model) -> None:
    """Make the graph's sequence 1, in the shapes of everything."""
    values = [*model.graph.inputs, *(output for node in model.graph for output in node.outputs)]
    for value in values:
        if value.shape is not None:
            value.shape = ir.Shape([1 if str(dim) == SEQUENCE else dim for dim in value.shape])
