"""Give every attention node its past and present: a training graph becomes a step graph.

This is the product's central idea.  The traced graph computes attention from an empty state; this pass makes the state
an input and an output of the graph.  It knows operators, not architectures.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import onnx_ir as ir

from rfa_export.errors import GraphError
from rfa_export.graph.edit import nodes_of
from rfa_export.graph.names import NORMALIZER, RECENT, RECENT_PAST, RECENT_PRESENT, STATE, STATEFUL, StateSlot
from rfa_runtime.bundle.interface import BATCH, CAPACITY, SEQLENS_K, TOTAL_SEQUENCE_LENGTH
from rfa_runtime.bundle.manifest import StateSpec

ATTENTION = "attention"
"""What layers of attention are counted under, whatever they carry."""
ATTENTION_RANK = 4
RECENT_RANK = 3
"""Dimensions of what these operators carry."""
CACHE_LENGTH_INPUTS = {5: (SEQLENS_K, (BATCH,)), 6: (TOTAL_SEQUENCE_LENGTH, ())}
"""Inputs of GroupQueryAttention that tell how much of a cache is filled: shared by all layers."""


def thread_state(model: ir.Model) -> list[StateSpec]:
    """Connect every state's past input to its present output, as `past_key_values.N.*` and `present.N.*`.

    N counts the layers of attention, and for other operators the states of one name.  Returns the states in the order
    of the nodes.  Raises GraphError where a state's shape is not static but for the batch.
    """
    states: list[StateSpec] = []
    counts: Counter[str] = Counter()
    for nodes in layers_of(model):
        kind = name_of(nodes[0]) or ATTENTION
        for node, slots in zip(nodes, slots_of(nodes), strict=True):
            for slot in slots:
                states.append(connect(model.graph, node, slot, counts[kind]))
        nodes[0].attributes.pop(STATE, None)
        counts[kind] += 1
    share_lengths(model.graph, nodes_of(model, "GroupQueryAttention"))
    return states


def layers_of(model: ir.Model) -> list[list[ir.Node]]:
    """The nodes of each layer that has a state: one, or two `LinearAttention` over the same queries and keys."""
    layers: list[list[ir.Node]] = []
    for node in nodes_of(model, *STATEFUL, RECENT):
        if layers and len(layers[-1]) == 1 and same_features(layers[-1][0], node):
            layers[-1].append(node)
        else:
            layers.append([node])
    return layers


def same_features(node: ir.Node, other: ir.Node) -> bool:
    """Whether two nodes of linear attention read the same queries and keys, and neither has a state of its own name."""
    for one in (node, other):
        if one.op_type != "LinearAttention" or name_of(one) is not None:
            return False
    return node.inputs[0] is other.inputs[0] and node.inputs[1] is other.inputs[1]


def name_of(node: ir.Node) -> str | None:
    """What a node calls its state, where it does not have the name that its operator gives it."""
    return node.attributes[STATE].as_string() if STATE in node.attributes else None


def slots_of(nodes: list[ir.Node]) -> list[tuple[StateSlot, ...]]:
    """The states of a layer's nodes: of two, the second keeps the normalizer."""
    first = nodes[0]
    name = name_of(first)
    if first.op_type == RECENT:
        return [(StateSlot(RECENT_PAST, RECENT_PRESENT, name or RECENT, "recurrent"),)]
    slots = STATEFUL[first.op_type]
    if name is not None:
        slots = tuple(replace(slot, suffix=name) for slot in slots)
    return [slots, (NORMALIZER,)][: len(nodes)]


def connect(graph: ir.Graph, node: ir.Node, slot: StateSlot, layer: int) -> StateSpec:
    """Make one state of one node an input and an output of the graph."""
    present = node.outputs[slot.present_output]
    shape = state_shape(present, slot, node.op_type)
    past = ir.val(slot.past(layer), ir.DataType.FLOAT, shape)
    present.name = slot.present(layer)
    present.type = past.type
    present.shape = ir.Shape(shape)
    set_input(node, slot.past_input, past)
    graph.inputs.append(past)
    graph.outputs.append(present)
    return StateSpec(
        kind=slot.kind, past=slot.past(layer), present=slot.present(layer), dtype="float32", shape=tuple(shape)
    )


def state_shape(present: ir.Value, slot: StateSlot, producer: str) -> list[int | str]:
    """[batch, ...]: everything else static, but for the length of a cache."""
    rank = RECENT_RANK if producer == RECENT else ATTENTION_RANK
    if present.shape is None or present.shape.rank() != rank:
        raise GraphError(f"{present.name}: the state's shape is {present.shape}, wanted {rank} dimensions")
    shape: list[int | str] = [BATCH, *(dim if isinstance(dim, int) else str(dim) for dim in present.shape[1:])]
    if slot.kind == "cache":
        shape[2] = CAPACITY
    for dim in shape[1:]:
        if not isinstance(dim, int) and dim != CAPACITY:
            raise GraphError(f"{slot.suffix}: the state's shape is {shape}, all but the batch must be static")
    return shape


def share_lengths(graph: ir.Graph, nodes: list[ir.Node]) -> None:
    """Add the inputs that say how much of the caches is filled, where there are caches."""
    if not nodes:
        return
    for index, (name, shape) in CACHE_LENGTH_INPUTS.items():
        value = ir.val(name, ir.DataType.INT32, shape)
        graph.inputs.append(value)
        for node in nodes:
            set_input(node, index, value)


def set_input(node: ir.Node, index: int, value: ir.Value) -> None:
    """Set an optional input that the node may not have listed yet."""
    if index >= len(node.inputs):
        node.resize_inputs(index + 1)
    node.replace_input_with(index, value)
