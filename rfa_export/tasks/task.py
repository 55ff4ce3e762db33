"""What the main path must know of a task: what is traced, what becomes of it, and how that is verified.

Each task has a file beside this one: `language.py`, `translation.py`, `classification.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import onnx_ir as ir
from torch import Tensor, nn

from rfa_export.errors import TargetError
from rfa_export.exams.exam import Exam
from rfa_export.graph.draft import Drafts
from rfa_export.tracing.trace import Arguments, TensorSpec
from rfa_export.version import __version__
from rfa_runtime.bundle.interface import BATCH, SEQUENCE
from rfa_runtime.bundle.manifest import Manifest, StateSpec

PRODUCER = f"rfa-export {__version__}"
Graphs = dict[str, ir.Model]
"""Graphs by their role."""


@dataclass(frozen=True)
class Part:
    """A module that becomes one graph, and what it is called with."""

    module: nn.Module
    inputs: tuple[TensorSpec, ...]
    """Ids, positions, masks: an argument each."""
    memory: tuple[TensorSpec, ...] = ()
    """What an encoder gave: all of it in one argument, `memory`."""

    @property
    def arguments(self) -> Arguments:
        """What the module is called with, by the names of its parameters."""
        arguments: dict[str, TensorSpec | tuple[TensorSpec, ...]] = {spec.name: spec for spec in self.inputs}
        if self.memory:
            arguments["memory"] = self.memory
        return arguments


def token_inputs(names: Iterable[str], prefix: str = "", length: str = SEQUENCE) -> tuple[TensorSpec, ...]:
    """Inputs of these names, each int64 [batch, length]."""
    return tuple(TensorSpec(prefix + name, (BATCH, length)) for name in names)


class TaskExport(Protocol):
    """One task's part of an export."""

    @property
    def module(self) -> nn.Module:
        """The module that is exported."""

    @property
    def continues_text(self) -> bool:
        """Whether the model continues one text, however long.  Then it has a perplexity, and its state may drift."""

    def trace(self) -> Graphs:
        """The module's graphs as torch gives them.  Raises TraceError."""

    def rewrite(self, traced: Graphs) -> tuple[Drafts, Manifest]:
        """New graphs that are finished, and a manifest; the main path adds graphs and files to it.

        The traced graphs stay as they are.  Raises GraphError.
        """

    def parts(self, states: Sequence[StateSpec]) -> dict[str, Part]:
        """The modules of the same graphs, by role.  states: those of the manifest."""

    def with_module(self, module: nn.Module) -> TaskExport:
        """The same task with another module, such as one whose weights are rounded."""

    def exam(self, manifest: Manifest) -> Exam:
        """What runtimes are asked, with torch's answers.  Raises ParityError where torch has none."""

    def perplexity(self, ids: Tensor) -> float:
        """The module's perplexity on a text.  ids: int [tokens].

        Raises TargetError for a task that does not continue text, DataError for fewer than two tokens.
        """


def no_perplexity() -> TargetError:
    """The error of a task that does not continue text."""
    return TargetError("perplexity is that of a language model with its tokenizer: leave the text out")
