"""What the main path must know of a target: which graphs it makes of those that the task gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import onnx_ir as ir

from rfa_export.runtimes.runtime import Runtime
from rfa_runtime.manifest import GraphSpec, StateSpec


@dataclass(frozen=True)
class Draft:
    """A finished graph before it is made for a runtime: standard operators, and those of `symbolic.py`."""

    model: ir.Model
    logits: str
    """As GraphSpec.logits."""
    outputs: tuple[str, ...] = ("logits",)
    """Its outputs without the states."""
    fuse_residuals: bool = False
    """Whether target `ort` merges residual sums with the norms behind them; see `graph/fuse.py`."""

    def specify(self, model: ir.Model, file: str, target: str, states: Sequence[StateSpec]) -> GraphSpec:
        """Describe what a target made of the draft."""
        return GraphSpec(file, target, graph_inputs(model, states), self.logits, self.outputs)


OUR_OWN = "ort"
"""The target whose graphs have the roles that rfa-runtime asks for."""


def role_in_bundle(role: str, target: str) -> str:
    """Under which name a bundle holds a target's graph."""
    return role if target == OUR_OWN else f"{role}.{target}"


Drafts = Mapping[str, Draft]
"""By role: `model`, and what else the task has."""


@dataclass(frozen=True)
class Lowered:
    """A graph as a target's runtime reads it."""

    model: ir.Model
    spec: GraphSpec


class Target(Protocol):
    """One runtime, or one set of operators that several runtimes share."""

    @property
    def name(self) -> str:
        """As `--target` has it."""

    @property
    def runtimes(self) -> Sequence[Runtime]:
        """Where its graphs are verified; of our own, which `TaskExport.verify` covers, there are none."""

    def lower(self, drafts: Drafts, states: Sequence[StateSpec]) -> dict[str, Lowered]:
        """Return the target's graphs by their role in the bundle; drafts stay as they are.  Raises GraphError."""


def graph_inputs(model: ir.Model, states: Sequence[StateSpec] = ()) -> tuple[str, ...]:
    """The graph's inputs without its states."""
    carried = {state.past for state in states}
    return tuple(str(value.name) for value in model.graph.inputs if value.name not in carried)
