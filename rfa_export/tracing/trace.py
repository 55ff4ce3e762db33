"""A torch module with named inputs and outputs -> a graph in which attention is a node, still without state."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import onnx_ir as ir
import torch
from torch import Tensor, nn

from rfa_export.errors import TraceError
from rfa_export.tracing.quiet import quiet
from rfa_export.tracing.symbolic import SYMBOLIC
from rfa_models.attention import operators
from rfa_models.attention.operators import Operators
from rfa_runtime.bundle.interface import BATCH, INPUT_IDS, PAIR_SEQUENCE, POSITION_IDS, SEQUENCE, SOURCE

OPSET = 23
"""The first with RMSNormalization, and one that every ONNX Runtime since 1.23 runs."""
EXAMPLE_SIZES = {BATCH: 2, SEQUENCE: 3, SOURCE: 5, PAIR_SEQUENCE: 7}
"""No size that torch would take as fixed, as it does 0 and 1, and no two alike."""


@dataclass(frozen=True)
class TensorSpec:
    """A tensor that a module takes; dimensions that stay free have names."""

    name: str
    shape: tuple[int | str, ...]
    dtype: torch.dtype = torch.int64

    def example(self) -> Tensor:
        """Zeros of that kind."""
        sizes = [EXAMPLE_SIZES[dim] if isinstance(dim, str) else dim for dim in self.shape]
        return torch.zeros(sizes, dtype=self.dtype)

    def free(self) -> dict[int, Any]:
        """The free dimensions by their axes, as torch wants them."""
        found = {}
        for axis, dim in enumerate(self.shape):
            if isinstance(dim, str):
                found[axis] = torch.export.Dim(dim)
        return found


Arguments = Mapping[str, TensorSpec | tuple[TensorSpec, ...]]
"""What the parameters of `forward` take: a tensor, or several."""


def trace(
    module: nn.Module,
    arguments: Arguments,
    outputs: str | Sequence[str],
    operators_in_place: Operators = SYMBOLIC,
    title: str | None = None,
) -> ir.Model:
    """Trace a module in its evaluation mode.

    outputs: the name of the tensor that it returns, or names of several.  title: what errors call the module.
    Raises TraceError for a module that torch cannot trace.
    """
    title = title or type(module).__name__
    with evaluating(module), quiet(), operators.using(operators_in_place), torch.no_grad():
        try:
            program = torch.onnx.export(
                module,
                kwargs=each(TensorSpec.example, arguments),
                dynamo=True,
                input_names=names_of(arguments),
                output_names=[outputs] if isinstance(outputs, str) else list(outputs),
                dynamic_shapes=each(TensorSpec.free, arguments),
                opset_version=OPSET,
                optimize=False,
                verbose=False,
            )
        except Exception as error:  # the exporter raises many kinds
            raise TraceError(f"{title} cannot be traced: {reason(error)}") from error
    assert program is not None, "torch gives none only where it is asked to write a file"
    check_returned(program, outputs, title)
    return program.model


def names_of(arguments: Arguments) -> list[str]:
    """The names of all tensors, in the order of the parameters."""
    names = []
    for given in arguments.values():
        for spec in given if isinstance(given, tuple) else (given,):
            names.append(spec.name)
    return names


def each(function: Callable[[TensorSpec], Any], arguments: Arguments) -> dict[str, Any]:
    """What a function makes of every tensor, by the parameters' names; several tensors stay a tuple."""
    found: dict[str, Any] = {}
    for name, given in arguments.items():
        found[name] = tuple(map(function, given)) if isinstance(given, tuple) else function(given)
    return found


def check_returned(program: torch.onnx.ONNXProgram, outputs: str | Sequence[str], title: str) -> None:
    """Raise TraceError unless the module returns as many tensors as there are names."""
    assert program.exported_program is not None, "torch.export made it"
    returned = program.exported_program.call_spec.out_spec
    if isinstance(outputs, str):
        if not returned.is_leaf():
            raise TraceError(f"{title} returns a {returned.type.__name__}, wanted one tensor: the {outputs}")
    elif returned.num_leaves != len(outputs):
        raise TraceError(f"{title} returns {returned.num_leaves} tensors, wanted {len(outputs)}")


def input_names(module: nn.Module) -> list[str]:
    """What the module is called with: `input_ids`, and `position_ids` where it takes them."""
    parameters = inspect.signature(module.forward).parameters
    if INPUT_IDS not in parameters:
        raise TraceError(
            f"{type(module).__name__}.forward takes ({', '.join(parameters)}), wanted {INPUT_IDS}, "
            f"and {POSITION_IDS} where the model has positions"
        )
    return [name for name in (INPUT_IDS, POSITION_IDS) if name in parameters]


def check_parameters(module: nn.Module) -> None:
    """Raise TraceError unless every parameter is what the operators compute with."""
    for name, parameter in module.named_parameters():
        if parameter.dtype != torch.float32 or parameter.device.type != "cpu":
            raise TraceError(
                f"{type(module).__name__}: {name} is {parameter.dtype} on {parameter.device}, wanted float32 on the "
                "CPU: call module.float().cpu() first"
            )


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Put a module in evaluation mode for a while; afterwards every part has the mode that it had before.

    Parts that torch.compile has changed compute as they are written: compiled code cannot be traced.
    """
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        with torch.compiler.set_stance("force_eager"):
            yield
    finally:
        for part, mode in modes.items():
            part.training = mode


def reason(error: BaseException) -> str:
    """The first line of the innermost cause: what the user's code did, not what the exporter advises."""
    while error.__cause__ is not None:
        error = error.__cause__
    for line in str(error).splitlines():
        if line.strip():
            return line
    return type(error).__name__
