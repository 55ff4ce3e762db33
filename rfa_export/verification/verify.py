"""Verify every target of a finished folder in its runtimes, and measure what was asked for besides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from tokenizers import Tokenizer

from rfa_export.exams.exam import Exam
from rfa_export.exams.parity import NotChecked, Parity
from rfa_export.graph.roles import OUR_OWN
from rfa_export.graph.rounding.round_weights import rounded_module
from rfa_export.runtimes.target_graphs import TargetGraphs
from rfa_export.targets.export_config import ExportConfig
from rfa_export.targets.target import Target
from rfa_export.tasks.language import LanguageExport
from rfa_export.tasks.task import TaskExport
from rfa_export.tolerances import LOGITS_FLOAT16, LOGITS_FLOAT32, LOGITS_INT8_ACTIVATIONS
from rfa_export.verification.drift import DriftRow, hold_state, measure_drift
from rfa_export.verification.drift import as_line as drift_as_line
from rfa_export.verification.parking import parked
from rfa_export.verification.perplexity import Perplexity, measure_perplexity
from rfa_runtime.bundle.bundle import Bundle, read_bundle

Found = Parity | NotChecked
HALF_STATE_TOKENS = 4096
"""Twice as many as float16 could tell apart in a sum that forgets nothing."""


@dataclass(frozen=True)
class Report:
    """What was found out about a bundle."""

    parity: dict[str, tuple[Found, ...]]
    """By target: what each of its runtimes computes."""
    drift: tuple[DriftRow, ...] = ()
    perplexity: Perplexity | None = None

    def as_table(self) -> dict[str, Any]:
        """For the manifest and `--json`: of each target its first runtime, and under `others` the rest."""
        table = {
            name: first.as_table() | ({"others": [found.as_table() for found in others]} if others else {})
            for name, (first, *others) in self.parity.items()
        }
        if self.drift:
            table[OUR_OWN]["drift"] = [row.as_table() for row in self.drift]
        if self.perplexity is not None:
            table[OUR_OWN]["perplexity"] = self.perplexity.as_table()
        return table

    def lines(self) -> Iterator[str]:
        """For people: a line for each runtime, then the rest."""
        for name, found in self.parity.items():
            yield from (f"{name}: {describe(one)}" for one in found)
        if self.drift:
            yield drift_as_line(self.drift)
        if self.perplexity is not None:
            yield self.perplexity.line()


def verify(
    task: TaskExport,
    tokenizer: Tokenizer | None,
    config: ExportConfig,
    targets: Sequence[Target],
    folder: Path,
    progress: Callable[[str], None],
) -> Report:
    """Hold all targets to torch in float64, with weights as the precision rounds them.

    Raises ParityError where one differs or cannot run, TargetError for a measurement that the task does not have.
    """
    bundle, weights = read_bundle(folder, check_hashes=False), config.weights
    rounded: TaskExport = replace(cast(Any, task), module=rounded_module(task.module, weights))
    exam = rounded.exam(bundle.manifest)
    with parked(rounded.module, folder.parent) if exam.answered else nullcontext():
        parity = {target.name: tuple(ask(exam, bundle, target, config, progress)) for target in targets}
    drift = measure_drift(rounded, bundle, config.drift, progress) if config.drift else ()
    if config.half_state and isinstance(task, LanguageExport):
        long = config.drift >= HALF_STATE_TOKENS
        hold_state(drift if long else measure_drift(rounded, bundle, HALF_STATE_TOKENS, progress))
    if config.text is None:
        return Report(parity, drift)
    progress("perplexity")
    return Report(parity, drift, measure_perplexity(task, tokenizer, bundle, config.text))


def ask(
    exam: Exam, bundle: Bundle, target: Target, config: ExportConfig, progress: Callable[[str], None]
) -> Iterator[Found]:
    """What each of a target's runtimes computes; one that is not installed is no fault."""
    bound = bound_of(target, config)
    if target.name == OUR_OWN:
        yield exam.verify(bundle, bound)
    for runtime in target.runtimes:
        objection = "not installed" if runtime.version() is None else runtime.objection(bundle.path)
        if objection is not None:
            yield NotChecked(runtime.name, objection)
        else:
            progress(f"verify {target.name} in {runtime.name}")
            yield exam.compare(TargetGraphs(bundle, target.name, runtime, bound))


def bound_of(target: Target, config: ExportConfig) -> float:
    """How far a logit may be off, relative to the largest."""
    if target.facts.rounds_activations and config.weights.quantized:
        return LOGITS_INT8_ACTIVATIONS
    return LOGITS_FLOAT16 if config.weights.half or config.half_state else LOGITS_FLOAT32


def describe(found: Found) -> str:
    """One runtime's figures."""
    if isinstance(found, NotChecked):
        return f"not checked in {found.runtime}: {found.reason}"
    return (
        f"parity with torch in float64, by {found.runtime}: {found.tokens_equal} of {found.tokens_compared} choices "
        f"equal, {found.near_ties} near ties, largest error of a logit {found.max_abs_error:.1e}"
    )
