"""What the step graphs of language models and translators have in common."""

from __future__ import annotations

import onnx_ir as ir
from torch import nn

from rfa_export.errors import TraceError
from rfa_export.graph.edit import dims, nodes_of, output_of
from rfa_export.graph.names import RECENT, STATEFUL
from rfa_runtime.bundle.interface import LOGITS, TOP_LOGIT, TOP_TOKEN

STEP_OUTPUTS = (LOGITS, TOP_LOGIT, TOP_TOKEN)
"""Outputs of a step graph, states left out."""


def require_state(model: ir.Model, module: nn.Module) -> None:
    """Raise TraceError where no step would leave anything to the next."""
    if not nodes_of(model, *STATEFUL, RECENT):
        raise TraceError(
            f"{type(module).__name__} has no RfaAttention or SoftmaxAttention in it: nothing carries a state"
        )


def vocabulary(step: ir.Model) -> int:
    """How many logits a graph gives for a position."""
    return int((dims(output_of(step, LOGITS)) or [0])[-1])
