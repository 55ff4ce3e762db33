"""A finished graph before it is made for a runtime, and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnx_ir as ir

from rfa_runtime.bundle.manifest import GraphSpec, StateSpec


@dataclass(frozen=True)
class Draft:
    """Standard operators, and those of `symbolic.py`."""

    model: ir.Model
    logits: str
    """As GraphSpec.logits."""
    outputs: tuple[str, ...] = ("logits",)
    """Its outputs without the states."""
    fuse_residuals: bool = False
    """Whether target `ort` merges residual sums with the norms behind them where weights are floats."""

    def lowered(self, model: ir.Model, file: str, target: str, states: Sequence[StateSpec]) -> Lowered:
        """What a target made of it."""
        return Lowered(model, GraphSpec(file, target, graph_inputs(model, states), self.logits, self.outputs))


@dataclass(frozen=True)
class Lowered:
    """A graph as a target's runtime reads it."""

    model: ir.Model
    spec: GraphSpec


Drafts = Mapping[str, Draft]
"""By role."""


def graph_inputs(model: ir.Model, states: Sequence[StateSpec] = ()) -> tuple[str, ...]:
    """The graph's inputs without its states."""
    carried = {state.past for state in states}
    return tuple(str(value.name) for value in model.graph.inputs if value.name not in carried)
