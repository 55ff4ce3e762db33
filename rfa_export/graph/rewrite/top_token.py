"""Let the step graph name the most likely token itself: greedy decoding then never looks at the logits.

After a step whose weights have passed through the processor's caches, searching the logits from Python costs 40 us,
most of it for fetching the code that searches; a node of the graph costs no more than its arithmetic.
"""

from __future__ import annotations

import onnx_ir as ir

from rfa_export.graph.edit import constant, output_of
from rfa_runtime.bundle.interface import BATCH, LOGITS, TOP_LOGIT, TOP_TOKEN


def top_token(step: ir.Model) -> None:
    """Add the outputs `top_logit` and `top_token`, both [batch, 1, 1]; of equal logits the first token counts."""
    logits = output_of(step, LOGITS)
    search = ir.node("TopK", [logits, constant(step, "top_count", [1])], num_outputs=2)
    step.graph.append(search)
    logit, token = search.outputs
    add_output(step, logit, TOP_LOGIT, logits.type)
    add_output(step, token, TOP_TOKEN, ir.TensorType(ir.DataType.INT64))


def add_output(step: ir.Model, value: ir.Value, name: str, kind: ir.TypeProtocol | None) -> None:
    """Make one number for each row an output of the graph."""
    value.name = name
    value.type = kind
    value.shape = ir.Shape([BATCH, 1, 1])
    step.graph.outputs.append(value)
