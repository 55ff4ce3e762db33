"""`Recent`, once its state is threaded, in ordinary operators: what was kept and what is new, one behind the other.

    rfa::Recent(x, past)  ->  joined = Concat(past, x), present = Slice(joined)

Nothing else reads the past: it lies in the same memory as the present, which is written after the Concat has read it.
"""

from __future__ import annotations

import onnx_ir as ir
from onnx_ir.tape import Tape

from rfa_export.graph.edit import integers, nodes_of, replace_node
from rfa_export.graph.names import RECENT, RECENT_PAST

SEQUENCE_AXIS = 1
END = 2**62
"""Of a Slice that goes on to the last row."""


def write_recent(model: ir.Model) -> None:
    """Write every node with Concat and Slice."""
    for node in nodes_of(model, RECENT):
        length = node.attributes["length"].as_int()
        tape = Tape()
        joined = tape.op("Concat", [node.inputs[RECENT_PAST], node.inputs[0]], {"axis": SEQUENCE_AXIS})
        last = [integers(model, -length), integers(model, END), integers(model, SEQUENCE_AXIS)]
        present = tape.op("Slice", [joined, *last])
        replace_node(node, tape, joined, present)
