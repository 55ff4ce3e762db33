"""Any torch module built from the attention layers of rfa_models -> a graph with stateless attention nodes."""

from __future__ import annotations

import inspect
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr

import onnx_ir as ir
import torch
from torch import nn

from rfa_export.errors import TraceError
from rfa_export.graph.names import BATCH, INPUT_IDS, LOGITS, POSITION_IDS, SEQUENCE, STATEFUL
from rfa_export.symbolic import SYMBOLIC
from rfa_models import operators

OPSET = 23
"""The first with RMSNormalization, and one that every ONNX Runtime since 1.23 runs."""


def trace(module: nn.Module) -> ir.Model:
    """Trace `module(input_ids[, position_ids]) -> logits` in its evaluation mode.

    input_ids, position_ids: int64 [B, T], logits: float32 [B, T, N]; B and T stay free.  Raises TraceError for a module
    that torch cannot trace, or in which there is no attention layer of ours.
    """
    names = input_names(module)
    check_parameters(module)
    free = {0: torch.export.Dim(BATCH), 1: torch.export.Dim(SEQUENCE)}
    # 2 and 3: no size that torch would take as fixed
    examples = {name: torch.zeros(2, 3, dtype=torch.int64) for name in names}
    with evaluating(module), quiet(), operators.using(SYMBOLIC), torch.no_grad():
        try:
            program = torch.onnx.export(
                module,
                kwargs=examples,
                dynamo=True,
                input_names=names,
                output_names=[LOGITS],
                dynamic_shapes=dict.fromkeys(names, free),
                opset_version=OPSET,
                optimize=False,
                verbose=False,
            )
        except Exception as error:  # the exporter raises many kinds
            raise TraceError(f"{type(module).__name__} cannot be traced: {reason(error)}") from error
    if program is None or not any(node.op_type in STATEFUL for node in program.model.graph):
        raise TraceError(
            f"{type(module).__name__} has no RfaAttention or SoftmaxAttention in it: nothing carries a state"
        )
    assert program.exported_program is not None  # torch.export made it
    returned = program.exported_program.call_spec.out_spec
    if not returned.is_leaf():
        raise TraceError(f"{type(module).__name__} returns a {returned.type.__name__}, wanted one tensor: the logits")
    return program.model


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
    """Put a module in evaluation mode for a while; afterwards each part of it has its own mode again."""
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes.items():
            part.training = mode


@contextmanager
def quiet() -> Iterator[None]:
    """Keep torch's notes to its own developers off the user's terminal; errors still raise."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        # A module that cannot be traced is printed as code, besides what is logged.
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


def reason(error: BaseException) -> str:
    """The first line of the innermost cause: what the user's code did, not what the exporter advises."""
    while error.__cause__ is not None:
        error = error.__cause__
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
