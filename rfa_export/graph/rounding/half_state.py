"""A state that lies in float16 between two steps, and is float32 within one: half the memory of every stream.

past float16 -> Cast -> LinearAttention -> Cast -> present float16
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import onnx_ir as ir

from rfa_export.errors import TargetError
from rfa_export.graph.edit import insert_before
from rfa_export.precision import FLOAT32_STATE
from rfa_runtime.bundle.manifest import StateSpec, of_kind

RESOLUTION = 2**-11
"""Of float16: adding less than this part of a number leaves the number as it is."""
UNGATED = "linear"
"""LinearAttention's update rule where no gate lets a sum forget."""


def halve_states(models: Iterable[ir.Model], states: Sequence[StateSpec]) -> tuple[StateSpec, ...]:
    """Halve the recurrent states of some graphs, in place.  Returns what all states are then.

    Raises TargetError for a model without any, and where a sum never forgets: after t tokens each adds 1/t of what the
    sum is, which float16 does not notice from 1 / RESOLUTION tokens on, and whatever is read later is lost.
    """
    recurrent = of_kind(states, "recurrent")
    if not recurrent:
        raise TargetError("a float16 state is one of RFA attention: this model carries none, keep ", FLOAT32_STATE)
    for model in models:
        for state in recurrent:
            halve_state(model, state)
    return tuple(map(declared_half, states))


def declared_half(state: StateSpec) -> StateSpec:
    """A recurrent state as float16; what an encoder gave stays float32."""
    return replace(state, dtype="float16") if state.kind == "recurrent" else state


def halve_state(model: ir.Model, state: StateSpec) -> None:
    """Halve one state of one graph."""
    for value in model.graph.inputs:
        if value.name == state.past:
            widen(value)
    for place, value in enumerate(model.graph.outputs):
        if value.name == state.present:
            model.graph.outputs[place] = narrowed(model, value)


def widen(past: ir.Value) -> None:
    """Read an input in float32.  Raises TargetError where it belongs to a sum that never forgets."""
    (use,) = past.uses()
    if use.node.attributes.get_string("update_rule") == UNGATED:
        raise TargetError(
            f"a float16 state stops accumulating after some {1 / RESOLUTION:,.0f} tokens where attention has no gate: "
            "sums grow on, and what a token adds falls under half of their last place. Keep ",
            FLOAT32_STATE,
            ", or train with gate = true",
        )
    cast = ir.node("Cast", [past], {"to": ir.DataType.FLOAT})
    wide = cast.outputs[0]
    wide.shape = past.shape
    wide.type = ir.TensorType(ir.DataType.FLOAT)
    past.type = ir.TensorType(ir.DataType.FLOAT16)
    insert_before(use.node, cast)
    use.node.replace_input_with(use.idx, wide)


def narrowed(model: ir.Model, present: ir.Value) -> ir.Value:
    """The same output in float16, under its name."""
    cast = ir.node("Cast", [present], {"to": ir.DataType.FLOAT16})
    half = cast.outputs[0]
    half.name = present.name
    half.shape = present.shape
    half.type = ir.TensorType(ir.DataType.FLOAT16)
    present.name = f"{present.name}_float32"
    model.graph.append(cast)
    return half
