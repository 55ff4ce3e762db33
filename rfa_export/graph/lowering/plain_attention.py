"""`LinearAttention` in ordinary operators, for runtimes that do not have it.

    recurrent_step    one token: the recurrence itself                       T = 1
    recurrent_chunk   T tokens at once, quadratic only among them            a prompt, chunk by chunk, in linear time

Both take and give what the operator does: the packed query [B, T, H K], key [B, T, G K] and value [B, T, G V], the
state [B, G, K, V], and with a gate log decay [B, T, G].  They are the one-token and the quadratic form with a past of
`rfa_models/attention/linear_attention.py`; the results should be identical.

Where a state has several readers, H > G, the chunk's tensors have one more dimension: [B, G, H / G, ...].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import onnx_ir as ir
from onnx_ir.tape import Tape

from rfa_export.errors import GraphError
from rfa_export.graph.edit import constant, dims, integers, nodes_of, number, optional_input, replace_node

OPERATOR = "LinearAttention"
READERS = 2
"""The axis of the heads that read the same state."""
END = 2**62
"""Of a Slice that goes on to the last token."""


@dataclass(frozen=True)
class Attention:
    """One node's inputs and sizes."""

    query: ir.Value
    """Times the node's scale."""
    key: ir.Value
    value: ir.Value
    past: ir.Value
    decay: ir.Value | None
    heads: int
    """G, heads of keys, values and states."""
    readers: int
    """H / G, heads of queries that read each."""
    features: int
    values: int


Form = Callable[[ir.Model, Tape, Attention], tuple[ir.Value, ir.Value]]
"""Records the form's nodes, returns output and present state."""


def recurrent_step(model: ir.Model) -> None:
    """Write every node as the recurrence of one token.  The graph's sequence must then be 1."""
    replace_attention(model, one_token)


def recurrent_chunk(model: ir.Model) -> None:
    """Write every node as masked products among the tokens of a call, and one product with the state before them."""
    replace_attention(model, one_chunk)


def replace_attention(model: ir.Model, form: Form) -> None:
    """Put a form in the place of every node.  Raises GraphError for a node without a state."""
    for node in nodes_of(model, OPERATOR):
        tape = Tape()
        output, present = form(model, tape, read(model, tape, node))
        replace_node(node, tape, output, present)


def read(model: ir.Model, tape: Tape, node: ir.Node) -> Attention:
    """The node's inputs, its scale applied to the query."""
    query, key, value = node.inputs[:3]
    past = optional_input(node, 3)
    sizes = dims(past)
    if query is None or key is None or value is None or past is None or sizes is None:
        raise GraphError(f"{node.name}: {OPERATOR} has no state of known shape, thread the state first")
    _, heads, features, values = sizes
    assert isinstance(heads, int)
    assert isinstance(features, int)
    assert isinstance(values, int)
    readers = node.attributes["q_num_heads"].as_int() // heads
    scaled = tape.op("Mul", [query, number(model, node.attributes["scale"].as_float())])
    return Attention(scaled, key, value, past, optional_input(node, 4), heads, readers, features, values)


def one_token(model: ir.Model, tape: Tape, x: Attention) -> tuple[ir.Value, ir.Value]:
    """S' = exp(a) S + k v^T, o = q S'."""
    query = tape.op("Reshape", [x.query, integers(model, 0, x.heads, x.readers, x.features)])
    key = tape.op("Reshape", [x.key, integers(model, 0, x.heads, x.features, 1)])
    value = tape.op("Reshape", [x.value, integers(model, 0, x.heads, 1, x.values)])
    past = x.past
    if x.decay is not None:
        decay = tape.op("Reshape", [x.decay, integers(model, 0, x.heads, 1, 1)])
        past = decayed(tape, past, decay)
    present = tape.op("Add", [past, tape.op("Mul", [key, value])])
    output = tape.op("MatMul", [query, present])
    return tape.op("Reshape", [output, integers(model, 0, 1, x.heads * x.readers * x.values)]), present


def one_chunk(model: ir.Model, tape: Tape, x: Attention) -> tuple[ir.Value, ir.Value]:
    """o = tril(q k^T) v + q S, S' = S + k^T v; with a gate, each product decays by what lies between."""
    query = split_heads(model, tape, x.query, x, x.readers, x.features)
    key = split_heads(model, tape, x.key, x, 1, x.features, turned=True)
    value = split_heads(model, tape, x.value, x, 1, x.values)
    past = for_readers(model, tape, x.past, x)
    weights = tape.op("MatMul", [query, key])
    seen = tape.op("MatMul", [query, past])
    if x.decay is not None:
        decays = since_start(model, tape, x.decay)
        after, before, whole = (for_readers(model, tape, decay, x) for decay in decays)
        # Above the diagonal the difference is positive and may overflow: bound it, the mask removes it.
        between = tape.op("Min", [tape.op("Sub", [after, before]), number(model, 0.0)])
        weights = decayed(tape, weights, between)
        seen = decayed(tape, seen, after)
        key = decayed(tape, key, tape.op("Sub", [whole, before]))
        past = decayed(tape, past, whole)
    among = tape.op("MatMul", [tape.op("Trilu", [weights], {"upper": 0}), value])
    present = tape.op("Add", [past, tape.op("MatMul", [key, value])])
    if x.readers > 1:
        present = tape.op("Squeeze", [present, integers(model, READERS)])
    tokens_first = (0, 3, 1, 2, 4) if x.readers > 1 else (0, 2, 1, 3)
    output = tape.op("Transpose", [tape.op("Add", [among, seen])], {"perm": tokens_first})
    return tape.op("Reshape", [output, integers(model, 0, 0, x.heads * x.readers * x.values)]), present


def for_readers(model: ir.Model, tape: Tape, value: ir.Value, x: Attention) -> ir.Value:
    """[B, G, ...] -> [B, G, 1, ...] where a state has several readers."""
    if x.readers == 1:
        return value
    return tape.op("Unsqueeze", [value, integers(model, READERS)])


def decayed(tape: Tape, value: ir.Value, log_decay: ir.Value) -> ir.Value:
    """exp(log decay) times a value."""
    return tape.op("Mul", [value, tape.op("Exp", [log_decay])])


def split_heads(
    model: ir.Model, tape: Tape, packed: ir.Value, x: Attention, readers: int, width: int, turned: bool = False
) -> ir.Value:
    """[B, T, G readers width] -> [B, G, (readers,) T, width], or turned to [B, G, (readers,) width, T].

    readers: of queries how many read a state, of keys and values 1.
    """
    sizes = [x.heads, width] if x.readers == 1 else [x.heads, readers, width]
    split = tape.op("Reshape", [packed, integers(model, 0, 0, *sizes)])
    *heads, last = range(2, 2 + len(sizes))
    order = (0, *heads, last, 1) if turned else (0, *heads, 1, last)
    return tape.op("Transpose", [split], {"perm": order})


def since_start(model: ir.Model, tape: Tape, decay: ir.Value) -> tuple[ir.Value, ir.Value, ir.Value]:
    """Log decay from the start of the call to after each token, before each, and to its end.

    [B, T, H] -> [B, H, T, 1], [B, H, 1, T], [B, H, 1, 1].
    """
    sums = tape.op("CumSum", [decay, constant(model, "axis_1", 1)])
    sums = tape.op("Transpose", [sums], {"perm": (0, 2, 1)})
    after = tape.op("Unsqueeze", [sums, integers(model, 3)])
    before = tape.op("Unsqueeze", [sums, integers(model, 2)])
    last = tape.op("Slice", [before, integers(model, -1), integers(model, END), integers(model, 3)])
    return after, before, last
