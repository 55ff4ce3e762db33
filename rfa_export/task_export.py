"""What the main path must know of a task: what is traced, what becomes of it, and how that is verified.

One file beside this one for each: `language_export.py`, `translator_export.py`, `classifier_export.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import onnx_ir as ir

from rfa_export.graph.edit import dims
from rfa_export.graph.names import LOGITS
from rfa_export.parity import Parity
from rfa_export.version import __version__
from rfa_runtime.manifest import Manifest, SpecialIds, StateSpec

STEP, WEIGHTS = "model.onnx", "model.onnx.data"
TARGET = "ort"
PRODUCER = f"rfa-export {__version__}"
NO_SPECIAL_IDS = SpecialIds()
Graphs = dict[str, ir.Model]
"""By the name of their file."""


class TaskExport(Protocol):
    """One task's part of an export."""

    def trace(self) -> Graphs:
        """The module's graphs as torch gives them.  Raises TraceError."""

    def rewrite(self, traced: Graphs) -> tuple[Graphs, Manifest]:
        """The finished graphs, and what to say of them; the writer adds the list of files.  Raises GraphError."""

    def verify(self, folder: Path) -> Parity:
        """Compare the bundle with torch.  Raises ParityError."""


def graph_inputs(model: ir.Model, states: Sequence[StateSpec] = ()) -> tuple[str, ...]:
    """The graph's inputs without its states."""
    carried = {state.past for state in states}
    return tuple(str(value.name) for value in model.graph.inputs if value.name not in carried)


def vocabulary(step: ir.Model) -> int:
    """How many logits a graph gives."""
    logits = next(value for value in step.graph.outputs if value.name == LOGITS)
    return int((dims(logits) or [0])[-1])
