"""Target `torchscript`: `model.ts` for torch.jit.load, and the same as programs of torch.export in `model.pt2`.

Neither needs code of ours.  `model.ts` has a method for each graph: `forward` takes one token, or classifies; `prefill`
takes a chunk of a prompt; `encode` reads sources.  Arguments are the inputs that the manifest names, then the states in
its order; results are the logits, then the states that a step leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export.pt2_archive._package import package_pt2

from rfa_export.errors import TargetError
from rfa_export.runtimes.torch_runtimes import METHODS, TorchExport, TorchJit
from rfa_export.targets.catalogue import TORCHSCRIPT
from rfa_export.targets.target import Target
from rfa_export.tasks.task import Part, TaskExport
from rfa_export.tracing.explicit_state import ExplicitState
from rfa_export.tracing.quiet import quiet
from rfa_export.tracing.trace import TensorSpec, evaluating
from rfa_runtime.bundle.interface import ENCODER, LOGITS, MODEL, PREFILL, SEQUENCE, role_in_bundle
from rfa_runtime.bundle.manifest import GraphSpec, Manifest, kinds, of_kind

SCRIPT = "model.ts"
PROGRAMS = "model.pt2"


class TorchScript(Target):
    """Files for torch itself, which needs no code of ours to load them."""

    facts = TORCHSCRIPT
    runtimes = (TorchJit(), TorchExport())

    def write(self, task: TaskExport, manifest: Manifest, folder: Path) -> dict[str, GraphSpec]:
        """Record the task's modules.  Raises TargetError for a model whose state grows."""
        functions = functions_of(task, manifest)
        with quiet(), torch.no_grad():
            save_script(functions, folder / SCRIPT)
            save_programs(functions, folder / PROGRAMS)
        specs = {}
        for role, function in functions.items():
            specs[role_in_bundle(role, self.name)] = function.spec
        return specs


@dataclass(frozen=True)
class Function:
    """One graph as a function of tensors."""

    module: nn.Module
    arguments: Sequence[TensorSpec]
    spec: GraphSpec
    takes_row: bool = False
    """Whether `forward(*given)` takes all tensors in a row: for torch that is one argument."""

    @property
    def example(self) -> tuple[Tensor, ...]:
        """Zeros of the kinds that it takes."""
        return tuple(map(TensorSpec.example, self.arguments))

    @property
    def free(self) -> tuple[Any, ...]:
        """The free dimensions of each argument, as torch wants them."""
        free = tuple(map(TensorSpec.free, self.arguments))
        return (free,) if self.takes_row else free


def functions_of(task: TaskExport, manifest: Manifest) -> dict[str, Function]:
    """What the task computes, by role.  Raises TargetError for a model whose state grows."""
    carried = kinds(manifest.state)
    if "cache" in carried:
        raise TargetError("softmax attention has no state of fixed size: target torchscript is for RFA models")
    parts = task.parts(manifest.state)
    found = {}
    if ENCODER in parts:
        found[ENCODER] = whole(parts[ENCODER], manifest)
    if "recurrent" in carried:
        found[MODEL] = stepping(parts[MODEL], manifest, 1)
        found[PREFILL] = stepping(parts[MODEL], manifest, SEQUENCE)
    else:
        found[MODEL] = whole(parts[MODEL], manifest)
    return found


def whole(part: Part, manifest: Manifest) -> Function:
    """An encoder or a classifier, which reads whole texts."""
    given = tuple(state.present for state in of_kind(manifest.state, "cross"))
    spec = GraphSpec(
        SCRIPT,
        TORCHSCRIPT.name,
        inputs=names_of(part.inputs),
        logits="none" if given else "sequence",
        outputs=given or (LOGITS,),
    )
    return Function(part.module, part.inputs, spec)


def stepping(part: Part, manifest: Manifest, length: int | str) -> Function:
    """A decoder that reads `length` tokens."""
    inputs = []
    for given in part.inputs:
        rows, _ = given.shape
        inputs.append(TensorSpec(given.name, (rows, length)))
    states = []
    for state in manifest.state:
        if state.kind == "recurrent":
            states.append(TensorSpec(state.past, state.shape, torch.float32))
    module = ExplicitState(part.module, len(inputs), len(states))
    spec = GraphSpec(SCRIPT, TORCHSCRIPT.name, names_of(inputs), "last", (LOGITS,))
    return Function(module, [*inputs, *states, *part.memory], spec, takes_row=True)


def names_of(arguments: Sequence[TensorSpec]) -> tuple[str, ...]:
    """The names of some tensors."""
    return tuple(argument.name for argument in arguments)


def save_script(functions: dict[str, Function], file: Path) -> None:
    """Record every function as a method of one module: they share their weights."""
    holder = Methods(functions)
    inputs = {}
    for role, function in functions.items():
        inputs[METHODS[role]] = function.example
    with evaluating(holder):
        torch.jit.save(torch.jit.trace_module(holder, inputs, check_trace=False), file)


def save_programs(functions: dict[str, Function], file: Path) -> None:
    """Export every function by its role."""
    programs = {}
    for role, function in functions.items():
        with evaluating(function.module):
            programs[role] = torch.export.export(function.module, function.example, dynamic_shapes=function.free)
    package_pt2(file, exported_programs=programs)


class Methods(nn.Module):
    """A module with the functions as its methods: torch.jit traces each by its name."""

    def __init__(self, functions: dict[str, Function]) -> None:
        super().__init__()
        self.parts = nn.ModuleDict()
        for role, function in functions.items():
            self.parts[role] = function.module

    def forward(self, *given: Tensor) -> tuple[Tensor, ...] | Tensor:
        """Take one token, or classify."""
        return self.parts[MODEL](*given)

    def prefill(self, *given: Tensor) -> tuple[Tensor, ...]:
        """Read a chunk of a prompt."""
        return self.parts[PREFILL](*given)

    def encode(self, *given: Tensor) -> tuple[Tensor, ...]:
        """Read sources."""
        return self.parts[ENCODER](*given)
