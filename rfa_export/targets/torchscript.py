"""Target `torchscript`: `model.ts` for torch.jit.load, and the same as programs of torch.export in `model.pt2`.

Neither needs code of ours.  `model.ts` has a method for each graph: `forward` takes one token, or classifies; `prefill`
takes a chunk of a prompt; `encode` reads sources.  Arguments are the inputs that the manifest names, then the states in
its order; results are the logits, then the states that a step leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export.pt2_archive._package import package_pt2

from rfa_export.errors import TargetError
from rfa_export.graph.names import LOGITS, SEQUENCE
from rfa_export.graph.roles import ENCODER, MODEL, PREFILL, role_in_bundle
from rfa_export.runtimes.torch_runtimes import METHODS, TorchExport, TorchJit
from rfa_export.targets.catalogue import TORCHSCRIPT
from rfa_export.targets.target import Target
from rfa_export.tasks.task import Part, TaskExport
from rfa_export.tracing.explicit_state import ExplicitState
from rfa_export.tracing.trace import TensorSpec, evaluating, quiet
from rfa_runtime.bundle.manifest import GraphSpec, Manifest, StateSpec

SCRIPT, PROGRAMS = "model.ts", "model.pt2"


class TorchScript(Target):
    """As `Target`."""

    facts = TORCHSCRIPT
    runtimes = (TorchJit(), TorchExport())

    def write(self, task: TaskExport, manifest: Manifest, folder: Path) -> dict[str, GraphSpec]:
        """As Target.write."""
        functions = functions_of(task, manifest)
        with quiet(), torch.no_grad():
            save_script(functions, folder / SCRIPT)
            save_programs(functions, folder / PROGRAMS)
        return {role_in_bundle(role, self.name): one.spec for role, one in functions.items()}


class Function:
    """One graph as a function of tensors."""

    def __init__(self, module: nn.Module, arguments: Sequence[TensorSpec], spec: GraphSpec) -> None:
        self.module, self.arguments, self.spec = module, arguments, spec

    @property
    def example(self) -> tuple[Tensor, ...]:
        """Arguments of that kind."""
        return tuple(argument.example() for argument in self.arguments)


def functions_of(task: TaskExport, manifest: Manifest) -> dict[str, Function]:
    """What the task computes, by role.  Raises TargetError for a model whose state grows."""
    if any(state.kind == "cache" for state in manifest.state):
        raise TargetError("softmax attention has no state of fixed size: target torchscript is for RFA models")
    parts = task.parts(manifest.state)
    carried = [state for state in manifest.state if state.kind == "recurrent"]
    found = {role: whole(part, manifest) for role, part in parts.items() if role == ENCODER or not carried}
    if carried:
        found[MODEL] = stepping(parts[MODEL], carried, 1)
        found[PREFILL] = stepping(parts[MODEL], carried, SEQUENCE)
    return found


def whole(part: Part, manifest: Manifest) -> Function:
    """An encoder or a classifier."""
    given = tuple(state.present for state in manifest.state if state.kind == "cross")
    logits, outputs = ("none", given) if given else ("sequence", (LOGITS,))
    spec = GraphSpec(SCRIPT, TORCHSCRIPT.name, tuple(argument.name for argument in part.inputs), logits, outputs)
    return Function(part.module, part.inputs, spec)


def stepping(part: Part, carried: Sequence[StateSpec], length: int | str) -> Function:
    """A decoder that reads `length` tokens."""
    inputs = [TensorSpec(spec.name, (spec.shape[0], length)) for spec in part.inputs]
    states = [TensorSpec(state.past, state.shape, torch.float32) for state in carried]
    spec = GraphSpec(SCRIPT, TORCHSCRIPT.name, tuple(argument.name for argument in inputs), "last", (LOGITS,))
    return Function(ExplicitState(part.module, len(inputs), len(states)), [*inputs, *states, *part.memory], spec)


def save_script(functions: dict[str, Function], file: Path) -> None:
    """Record every function as a method of one module: they share their weights."""
    holder = Methods(functions)
    with evaluating(holder):
        inputs = {METHODS[role]: function.example for role, function in functions.items()}
        torch.jit.save(torch.jit.trace_module(holder, inputs, check_trace=False), file)


def save_programs(functions: dict[str, Function], file: Path) -> None:
    """Export every function by its role."""
    programs = {}
    for role, function in functions.items():
        with evaluating(function.module):
            # A module of *given takes one argument, the tuple of all.
            shapes = tuple(argument.free() for argument in function.arguments)
            dynamic = (shapes,) if isinstance(function.module, ExplicitState) else shapes
            programs[role] = torch.export.export(function.module, function.example, dynamic_shapes=dynamic)
    package_pt2(file, exported_programs=programs)


class Methods(nn.Module):
    """The functions as methods."""

    def __init__(self, functions: dict[str, Function]) -> None:
        super().__init__()
        self.parts = nn.ModuleDict({role: function.module for role, function in functions.items()})

    def forward(self, *given: Tensor) -> tuple[Tensor, ...] | Tensor:
        """Take one token, or classify."""
        return self.parts[MODEL](*given)

    def prefill(self, *given: Tensor) -> tuple[Tensor, ...]:
        """Read a chunk of a prompt."""
        return self.parts[PREFILL](*given)

    def encode(self, *given: Tensor) -> tuple[Tensor, ...]:
        """Read sources."""
        return self.parts[ENCODER](*given)
