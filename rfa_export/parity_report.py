"""Verify every target of a finished folder, and say what was found of each runtime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rfa_export.parity import NotChecked, Parity
from rfa_export.roles import OUR_OWN
from rfa_export.runtimes.runtime import Runtime
from rfa_export.runtimes.target_graphs import TargetGraphs
from rfa_export.targets.target import Target
from rfa_export.task_export import TaskExport
from rfa_runtime.bundle import Bundle, read_bundle

Found = Parity | NotChecked
Report = dict[str, tuple[Found, ...]]
"""By target: what each of its runtimes computes."""


def verify(task: TaskExport, targets: Sequence[Target], folder: Path, progress: Callable[[str], None]) -> Report:
    """Hold all targets to torch in float64.  Raises ParityError where one differs or cannot run."""
    bundle, report = read_bundle(folder, check_hashes=False), Report()
    for target in targets:
        own = (task.verify(folder),) if target.name == OUR_OWN else ()
        report[target.name] = own + tuple(ask(task, bundle, target, runtime, progress) for runtime in target.runtimes)
    return report


def ask(task: TaskExport, bundle: Bundle, target: Target, runtime: Runtime, progress: Callable[[str], None]) -> Found:
    """What one runtime computes; one that is not installed is no fault."""
    if runtime.version() is None:
        return NotChecked(runtime.name, "not installed")
    progress(f"verify {target.name} in {runtime.name}")
    return task.compare(TargetGraphs(bundle, target.name, runtime))


def as_table(report: Report) -> dict[str, Any]:
    """For the manifest and `--json`: of each target its first runtime, and under `others` the rest."""
    return {
        name: first.as_table() | ({"others": [found.as_table() for found in others]} if others else {})
        for name, (first, *others) in report.items()
    }


def as_lines(report: Report) -> list[str]:
    """The same for people, a line for each runtime."""
    return [f"{name}: {describe(found)}" for name, all_found in report.items() for found in all_found]


def describe(found: Found) -> str:
    """One runtime's figures."""
    if isinstance(found, NotChecked):
        return f"not checked in {found.runtime}: {found.reason}"
    return (
        f"parity with torch in float64, by {found.runtime}: {found.tokens_equal} of {found.tokens_compared} choices "
        f"equal, {found.near_ties} near ties, largest error of a logit {found.max_abs_error:.1e}"
    )
