"""What onnxruntime-genai asks of a graph besides its names.

A state to count layers by, no outputs but the logits, and one text: in a batch padding would be read as text, and
beams would go on from each other's states.
"""

from __future__ import annotations

import onnx_ir as ir

from rfa_export.graph.edit import describe_like, fix_size, nodes_of
from rfa_runtime.bundle.interface import BATCH, TOP_LOGIT, TOP_TOKEN


def count_layers(model: ir.Model, layers: int) -> None:
    """Give each layer a `conv_state` [batch, 1, 1] that passes through: the runtime finds recurrent layers by it."""
    for layer in range(layers):
        past = ir.val(f"past_key_values.{layer}.conv_state", ir.DataType.FLOAT, [BATCH, 1, 1])
        passing = ir.node("Identity", [past])
        present = passing.outputs[0]
        present.name = f"present.{layer}.conv_state"
        describe_like(present, past)
        model.graph.inputs.append(past)
        model.graph.append(passing)
        model.graph.outputs.append(present)


def leave_choice_to_runtime(model: ir.Model) -> None:
    """Remove the most likely token: the runtime samples by itself."""
    for value in list(model.graph.outputs):
        if value.name in (TOP_LOGIT, TOP_TOKEN):
            model.graph.outputs.remove(value)
    for node in nodes_of(model, "TopK"):
        if not is_used(node):
            model.graph.remove(node, safe=True)


def one_text(model: ir.Model) -> None:
    """Make the graph's batch 1.

    Version 0.18 of the runtime pads the shorter texts of a batch, and leaves states in their rows when beams change
    places.  A mask would tell a graph what is padding, but nothing tells it what is a beam: more rows are refused.
    """
    fix_size(model, BATCH, 1)


def is_used(node: ir.Node) -> bool:
    """Whether anything reads what a node computes."""
    for output in node.outputs:
        if output.uses():
            return True
    return False
