"""A graph on its way into a bundle: a draft belongs to no runtime yet, a lowered graph is written for one target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import onnx_ir as ir

from rfa_export.graph.edit import Pass
from rfa_runtime.bundle.interface import LOGITS
from rfa_runtime.bundle.manifest import GraphSpec, StateSpec


@dataclass(frozen=True)
class Draft:
    """A finished graph of a task, in standard operators and those of `tracing/symbolic.py`."""

    model: ir.Model
    logits: str
    """Of which positions the graph gives logits: see GraphSpec.logits."""
    outputs: tuple[str, ...] = (LOGITS,)
    """Names of its outputs, states left out."""
    fuse_residuals: bool = False
    """Whether target `ort` merges residual sums with the norms behind them where weights are floats."""

    def after(self, *passes: Pass) -> Draft:
        """A draft whose graph has been through these passes; this one stays as it is."""
        model = self.model.clone()
        for change in passes:
            change(model)
        return replace(self, model=model)

    def lowered(self, file: str, target: str, states: Sequence[StateSpec]) -> Lowered:
        """This graph as a target's own, under a file name of the bundle."""
        spec = GraphSpec(file, target, graph_inputs(self.model, states), self.logits, self.outputs)
        return Lowered(self.model, spec)


@dataclass(frozen=True)
class Lowered:
    """A graph as a target's runtime reads it."""

    model: ir.Model
    spec: GraphSpec


Drafts = Mapping[str, Draft]
"""By role."""


def graph_inputs(model: ir.Model, states: Sequence[StateSpec] = ()) -> tuple[str, ...]:
    """Names of the graph's inputs, states left out."""
    carried = {state.past for state in states}
    return tuple(str(value.name) for value in model.graph.inputs if value.name not in carried)
