"""What onnxruntime-genai asks of a graph besides its names.

Its own name for a layer's second state, no outputs but the logits, and one text: in a batch padding would be read as
text, and beams would go on from each other's states.
"""

from __future__ import annotations

import onnx_ir as ir

from rfa_export.graph.edit import describe_like, dims, fix_size, integers, nodes_of
from rfa_export.graph.names import NORMALIZER
from rfa_runtime.bundle.interface import BATCH, TOP_LOGIT, TOP_TOKEN

CONV_STATE = "conv_state"
"""The name of a layer's second state in onnxruntime-genai."""


def hand_over_normalizers(model: ir.Model) -> None:
    """Make the normalizer of every layer its `conv_state`: the runtime finds recurrent layers by it.

    The runtime carries any tensor of that name, but wants three dimensions of it: [batch, H, K], not [batch, H, K, 1].
    """
    for past in list(model.graph.inputs):
        if suffix_of(past) == NORMALIZER.suffix:
            take_conv_state(model, past)
    for present in list(model.graph.outputs):
        if suffix_of(present) == NORMALIZER.suffix:
            give_conv_state(model, present)


def take_conv_state(model: ir.Model, past: ir.Value) -> None:
    """Let an input of the graph lose its last dimension, and what reads it get it back."""
    graph = model.graph
    given = ir.val(conv_state(past), past.dtype, flat(past))
    wide = ir.node("Unsqueeze", [given, integers(model, -1)])
    describe_like(wide.outputs[0], past)
    ir.convenience.replace_all_uses_with(past, wide.outputs[0])
    graph.inputs[list(graph.inputs).index(past)] = given
    graph.insert_before(graph[0], wide)


def give_conv_state(model: ir.Model, present: ir.Value) -> None:
    """Let an output of the graph lose its last dimension."""
    graph = model.graph
    narrow = ir.node("Squeeze", [present, integers(model, -1)])
    result = narrow.outputs[0]
    result.name = conv_state(present)
    result.type = present.type
    result.shape = ir.Shape(flat(present))
    graph.append(narrow)
    graph.outputs[list(graph.outputs).index(present)] = result


def suffix_of(value: ir.Value) -> str:
    """What a state is called within its layer."""
    return str(value.name).rpartition(".")[-1]


def conv_state(value: ir.Value) -> str:
    """The runtime's name for a state of that layer."""
    layer, _, _ = str(value.name).rpartition(".")
    return f"{layer}.{CONV_STATE}"


def flat(value: ir.Value) -> list[int | str]:
    """The shape of a state without its last dimension."""
    shape = dims(value)
    assert shape is not None, "thread_state has checked it"
    return shape[:-1]


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
