"""What the main path must know of a target: which graphs and files it makes of a task."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rfa_export.graph.draft import Drafts, Lowered
from rfa_export.runtimes.runtime import Runtime
from rfa_export.targets.catalogue import TargetFacts
from rfa_export.tasks.task import TaskExport
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

    def check_task(self, task: TaskExport) -> None:
        """Raise TargetError for a task that the runtime cannot have: before anything is traced, which takes long."""

    def lower(self, drafts: Drafts, states: Sequence[StateSpec]) -> dict[str, Lowered]:
        """Return the target's ONNX graphs by their role in the bundle.  Drafts stay as they are.

        Raises GraphError or TargetError.
        """
        return {}

    def write(self, task: TaskExport, manifest: Manifest, folder: Path) -> dict[str, GraphSpec]:
        """Write what else the target needs.  Returns what is no ONNX graph by its role in the bundle.

        Raises TargetError, TraceError, or OSError as the file system does.
        """
        return {}
