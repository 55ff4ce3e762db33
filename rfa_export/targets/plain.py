"""Target `plain`: ordinary operators from opset 17 on, for OpenVINO, TensorRT and every older runtime.

A decoder becomes two graphs: `model.plain` takes one token, `prefill.plain` a chunk of a prompt.  The chunk's cost is
quadratic in its own length alone: a prompt read chunk by chunk takes linear time, in constant memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import onnx_ir as ir

from rfa_export.graph.cleanup import cleanup
from rfa_export.graph.names import SEQUENCE
from rfa_export.graph.older_opset import OLDEST, lower_to_opset
from rfa_export.graph.plain_attention import recurrent_chunk, recurrent_step
from rfa_export.graph.standard_operators import standard_products
from rfa_export.runtimes.onnx_runtime import OnnxRuntime
from rfa_export.runtimes.openvino import OpenVino
from rfa_export.targets.target import Draft, Drafts, Lowered
from rfa_runtime.manifest import StateSpec

Pass = Callable[[ir.Model], None]


class Plain:
    """As `Target`."""

    name = "plain"
    runtimes = (OnnxRuntime(), OpenVino())

    def __init__(self, opset: int = OLDEST) -> None:
        self.opset = opset

    def lower(self, drafts: Drafts, states: Sequence[StateSpec]) -> dict[str, Lowered]:
        """As Target.lower."""
        made: dict[str, Lowered] = {}
        if "encoder" in drafts:
            made["encoder.plain"] = self.ordinary("encoder", drafts["encoder"], states)
        if states:
            made["model.plain"] = self.ordinary("model", drafts["model"], states, one_token, recurrent_step)
            made["prefill.plain"] = self.ordinary("prefill", drafts["model"], states, recurrent_chunk)
        else:
            made["model.plain"] = self.ordinary("model", drafts["model"], states)
        return made

    def ordinary(self, file: str, draft: Draft, states: Sequence[StateSpec], *passes: Pass) -> Lowered:
        """One graph.  passes: what becomes of attention and its sequence."""
        model = draft.model.clone()
        standard_products(model)
        for change in passes:
            change(model)
        cleanup(model)
        lower_to_opset(model, self.opset)
        return Lowered(model, draft.specify(model, f"{file}.{self.name}.onnx", self.name, states))


def one_token(model: ir.Model) -> None:
    """Make the graph's sequence 1, in the shapes of everything."""
    values = [*model.graph.inputs, *(output for node in model.graph for output in node.outputs)]
    for value in values:
        if value.shape is not None:
            value.shape = ir.Shape([1 if str(dim) == SEQUENCE else dim for dim in value.shape])
