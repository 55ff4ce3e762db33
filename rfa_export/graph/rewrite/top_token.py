"""Let the step graph name the most likely token itself: greedy decoding then never looks at the logits.

After a step whose weights have passed through the processor's caches, searching the logits from Python costs 40 us,
most of it for fetching the code that searches; a node of the graph costs no more than its arithmetic.
"""

from __future__ import annotations

import onnx_ir as ir

from rfa_export.graph.edit import constant
from rfa_export.graph.names import BATCH, LOGITS, TOP_LOGIT, TOP_TOKEN


def top_token(step: ir.Model) -> None:
    """Add the outputs `top_logit` and `top_token`, both [batch, 1, 1]; of equal logits the first token counts."""
    logits = next(value for value in step.graph.outputs if value.name == LOGITS)
    search = ir.node("TopK", [logits, constant(step, "top_count", [1])], num_outputs=2)
    step.graph.append(search)
    types = {TOP_LOGIT: logits.type, TOP_TOKEN: ir.TensorType(ir.DataType.INT64)}
    for value, (name, kind) in zip(search.outputs, types.items(), strict=True):
        value.name, value.type, value.shape = name, kind, ir.Shape([BATCH, 1, 1])
        step.graph.outputs.append(value)
