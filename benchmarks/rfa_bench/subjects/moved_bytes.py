"""How many bytes one step must move: every weight that it reads as a whole, and its state, in and out."""

from __future__ import annotations

from collections.abc import Iterable

import onnx

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.interface import MODEL
from rfa_runtime.bundle.manifest import StateSpec

LOOK_UPS = ("Gather", "GatherBlockQuantized")
"""Operators that read a row of a table for each token: next to nothing."""
Place = tuple[str, int]
"""File and offset, or name of the tensor and 0: two names of one place are read once."""


def weight_bytes(bundle: Bundle, role: str = MODEL) -> int:
    """Bytes of all weights that a step of a graph reads, as they are stored."""
    file = bundle.path / bundle.graph(role).file
    graph = onnx.load(file, load_external_data=False).graph
    read = read_whole(graph.node)
    places: dict[Place, int] = {}
    for tensor in graph.initializer:
        if tensor.name in read:
            places[place_of(tensor)] = bytes_of(tensor)
    return sum(places.values())


def read_whole(nodes: Iterable[onnx.NodeProto]) -> set[str]:
    """Names of what some node reads from end to end."""
    found: set[str] = set()
    for node in nodes:
        if node.op_type not in LOOK_UPS:
            found.update(node.input)
    return found


def place_of(tensor: onnx.TensorProto) -> Place:
    """Where a weight lies."""
    facts = external(tensor)
    return (facts["location"], int(facts.get("offset", 0))) if facts else (tensor.name, 0)


def bytes_of(tensor: onnx.TensorProto) -> int:
    """Bytes of a weight as it is stored."""
    facts = external(tensor)
    return int(facts["length"]) if facts else onnx.numpy_helper.to_array(tensor).nbytes


def external(tensor: onnx.TensorProto) -> dict[str, str]:
    """What a graph says of a weight in another file; nothing where it lies in the graph."""
    return {entry.key: entry.value for entry in tensor.external_data}


def state_traffic(states: Iterable[StateSpec], context: int, batch: int) -> int:
    """Bytes of state that a step reads and writes.

    A recurrent state is read and written whole.  Of a cache, the keys and values of the tokens so far are read.
    """
    moved = 0
    for state in states:
        held = batch * state.row_bytes(capacity=context)
        moved += 2 * held if state.kind == "recurrent" else held
    return moved
