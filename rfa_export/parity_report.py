"""Verify every target of a finished folder, and say what was found of each runtime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from rfa_export.parity import NotChecked, Parity
from rfa_export.precision import Precision
from rfa_export.quantize import rounded_module
from rfa_export.roles import OUR_OWN
from rfa_export.runtimes.target_graphs import TargetGraphs
from rfa_export.targets.target import Target
from rfa_export.task_export import TaskExport
from rfa_export.tolerances import LOGITS_FLOAT32, LOGITS_INT8_ACTIVATIONS
from rfa_runtime.bundle import read_bundle

Found = Parity | NotChecked
Report = dict[str, tuple[Found, ...]]
"""By target: what each of its runtimes computes."""


def verify(
    task: TaskExport, targets: Sequence[Target], precision: Precision, folder: Path, progress: Callable[[str], None]
) -> Report:
    """Hold all targets to torch in float64, with weights as the precision rounds them.

    Raises ParityError where one differs or cannot run.
    """
    task = replace(cast(Any, task), module=rounded_module(task.module, precision))
    bundle, report = read_bundle(folder, check_hashes=False), Report()
    for target in targets:
        bound = LOGITS_INT8_ACTIVATIONS if target.rounds_activations and precision.quantised else LOGITS_FLOAT32
        own = (task.verify(folder, bound),) if target.name == OUR_OWN else ()
        others = (TargetGraphs(bundle, target.name, runtime, bound) for runtime in target.runtimes)
        report[target.name] = (*own, *(ask(task, graphs, progress) for graphs in others))
    return report


def ask(task: TaskExport, graphs: TargetGraphs, progress: Callable[[str], None]) -> Found:
    """What one runtime computes; one that is not installed is no fault."""
    if graphs.runtime.version() is None:
        return NotChecked(graphs.runtime.name, "not installed")
    progress(f"verify {graphs.target} in {graphs.runtime.name}")
    return task.compare(graphs)


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
