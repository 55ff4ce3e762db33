"""What the main path must know of a target: which graphs and files it makes of a task."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rfa_export.errors import TargetError
from rfa_export.graph.draft import Drafts, Lowered
from rfa_export.runtimes.runtime import Runtime
from rfa_export.targets.catalogue import TargetFacts
from rfa_export.tasks.task import TaskExport
from rfa_runtime.bundle.interface import OUR_TARGET
from rfa_runtime.bundle.manifest import GraphSpec, Manifest, StateSpec


class Target:
    """One runtime, or one set of operators that several runtimes share."""

    facts: TargetFacts
    """What the catalogue says of it."""
    runtimes: Sequence[Runtime] = ()
    """Where its graphs are verified.  Our own runtime is not among them: `Exam.verify` asks it about target `ort`."""

    @property
    def name(self) -> str:
        """The word that `--target` takes."""
        return self.facts.name

    def lower(self, drafts: Drafts, states: Sequence[StateSpec]) -> dict[str, Lowered]:
        """Return the target's ONNX graphs by their role in the bundle.  Drafts stay as they are.

        Raises GraphError or TargetError.
        """
        return {}

    def refused_without_ort(self) -> TargetError:
        """The error of a target that is made of the graphs of target `ort`, and does not find them."""
        return TargetError(f"target {self.name} is made of the graphs of target {OUR_TARGET}: add that to the targets")

    def write(self, task: TaskExport, manifest: Manifest, folder: Path) -> dict[str, GraphSpec]:
        """Write what else the target needs.  Returns what is no ONNX graph by its role in the bundle.

        Raises TargetError, TraceError, or OSError as the file system does.
        """
        return {}
