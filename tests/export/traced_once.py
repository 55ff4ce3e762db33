"""A module is traced once: tracing is what costs time, and many tests export the same small models."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import onnx_ir as ir
from torch import nn

from rfa_export.tasks import classification, language, translation

Trace = Callable[..., ir.Model]


known: dict[tuple[Any, ...], ir.Model] = {}
"""Graphs by all that they were made of."""


@contextmanager
def tracing_once() -> Iterator[None]:
    """Let tasks take the graph of a module of the same kinds, settings and weights, where one was traced before."""
    with ExitStack() as stack:
        for task in (classification, language, translation):
            stack.enter_context(mock.patch.object(task, "trace", remembering(task.trace)))
        yield


def remembering(trace: Trace) -> Trace:
    """A function that traces what is not known."""

    def run(module: nn.Module, *how: Any) -> ir.Model:
        # A copy is traced, because a test may change the weights of its module.
        key = (*map(repr, how), *described(module))
        if key not in known:
            known[key] = trace(copy.deepcopy(module), *how)
        return known[key].clone()

    return run


def described(module: nn.Module) -> Iterator[Any]:
    """All that a module computes with: kinds, settings and weights of it and of its parts.

    Settings are told apart by what they print: numbers, words and configurations are, large arrays would not be.
    """
    for name, part in module.named_modules():
        yield name
        yield type(part)
        for word, value in vars(part).items():
            if not word.startswith("_"):
                yield word, repr(value)
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        yield name, str(tensor.dtype), tuple(tensor.shape), tensor.detach().numpy().tobytes()
