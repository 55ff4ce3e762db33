"""Any torch module built from the attention layers of rfa_models -> a graph with stateless attention nodes."""

from __future__ import annotations

import inspect
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

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
    names = [INPUT_IDS, POSITION_IDS] if POSITION_IDS in inspect.signature(module.forward).parameters else [INPUT_IDS]
    free = {0: torch.export.Dim(BATCH), 1: torch.export.Dim(SEQUENCE)}
    examples = tuple(
        torch.zeros(2, 3, dtype=torch.int64) for _ in names
    )  # 2 and 3: no size that torch would take as fixed
    with evaluating(module), quiet(), operators.using(SYMBOLIC), torch.no_grad():
        try:
            program = torch.onnx.export(
                module,
                examples,
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
    return program.model


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Put a module in evaluation mode for a while."""
    was_training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(was_training)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep torch's notes to its own developers off the user's terminal; errors still raise."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def reason(error: BaseException) -> str:
    """The first line of the innermost cause: what the user's code did, not what the exporter advises."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error).splitlines() or [type(error).__name__])[0]
