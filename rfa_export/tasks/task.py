"""What the main path must know of a task: what is traced, what becomes of it, and how that is verified.

One file beside this one for each: `language_export.py`, `translator_export.py`, `classifier_export.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import onnx_ir as ir
from torch import nn

from rfa_export.exams.exam import Exam
from rfa_export.graph.draft import Drafts
from rfa_export.graph.edit import dims
from rfa_export.graph.names import LOGITS
from rfa_export.tracing.trace import TensorSpec
from rfa_export.version import __version__
from rfa_runtime.bundle.manifest import Manifest, SpecialIds, StateSpec

PRODUCER = f"rfa-export {__version__}"
NO_SPECIAL_IDS = SpecialIds()
Graphs = dict[str, ir.Model]
"""By role."""


@dataclass(frozen=True)
class Part:
    """A module that becomes one graph, and what it is called with."""

    module: nn.Module
    inputs: tuple[TensorSpec, ...]
    """Ids, positions, masks."""
    memory: tuple[TensorSpec, ...] = ()
    """What an encoder gave; the module takes all in one argument."""


class TaskExport(Protocol):
    """One task's part of an export.  A frozen dataclass: verification puts another module in its place."""

    @property
    def module(self) -> nn.Module:
        """What is exported."""

    def trace(self) -> Graphs:
        """The module's graphs as torch gives them.  Raises TraceError."""

    def rewrite(self, traced: Graphs) -> tuple[Drafts, Manifest]:
        """The finished graphs, and what to say of them; the main path adds graphs and files.

        The traced graphs stay as they are.  Raises GraphError.
        """

    def parts(self, states: Sequence[StateSpec]) -> dict[str, Part]:
        """The modules of the same graphs, by role.  states: the manifest's."""

    def exam(self, manifest: Manifest) -> Exam:
        """What runtimes are asked, with torch's answers.  Raises ParityError where torch has none."""


def vocabulary(step: ir.Model) -> int:
    """How many logits a graph gives."""
    logits = next(value for value in step.graph.outputs if value.name == LOGITS)
    return int((dims(logits) or [0])[-1])
