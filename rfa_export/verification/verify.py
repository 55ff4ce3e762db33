"""Verify every target of a finished folder in its runtimes, and measure drift and perplexity where configured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

from tokenizers import Tokenizer

from rfa_export.exams.exam import Exam
from rfa_export.exams.parity import NotChecked
from rfa_export.graph.rounding.round_weights import rounded_module
from rfa_export.runtimes.runtime import Runtime
from rfa_export.runtimes.target_graphs import TargetGraphs
from rfa_export.targets.export_config import ExportConfig
from rfa_export.targets.target import Target
from rfa_export.tasks.task import TaskExport
from rfa_export.tolerances import LOGITS_FLOAT16, LOGITS_FLOAT32, LOGITS_INT8_ACTIVATIONS
from rfa_export.verification.drift import DriftRow, hold_state, measure_drift, no_drift
from rfa_export.verification.parking import parked
from rfa_export.verification.perplexity import check_text, measure_perplexity
from rfa_export.verification.report import Found, Report
from rfa_runtime.bundle.bundle import Bundle, read_bundle
from rfa_runtime.bundle.interface import OUR_TARGET

Progress = Callable[[str], None]
HALF_STATE_TOKENS = 4096
"""Twice as many as float16 could tell apart in a sum that forgets nothing."""


def check_measurable(task: TaskExport, tokenizer: Tokenizer | None, config: ExportConfig) -> None:
    """Raise TargetError or DataError, before anything is traced, for a measurement that this model cannot have."""
    if config.drift and not task.continues_text:
        raise no_drift()
    if config.text is not None:
        check_text(task, tokenizer, config.text)


def verify(
    task: TaskExport,
    tokenizer: Tokenizer | None,
    config: ExportConfig,
    targets: Sequence[Target],
    folder: Path,
    progress: Progress,
) -> Report:
    """Hold all targets to torch in float64, with weights as the precision rounds them.

    Raises ParityError where a target differs or cannot run, TargetError for a measurement that the task does not have.
    """
    bundle = read_bundle(folder, check_hashes=False)
    rounded = task.with_module(rounded_module(task.module, config.weights))
    exam = rounded.exam(bundle.manifest)
    parity = {}
    with parked(rounded.module, folder.parent) if exam.answered else nullcontext():
        for target in targets:
            found = tuple(ask(exam, bundle, target, config, progress))
            if found:  # nothing runs where a target adds no graph
                parity[target.name] = found
    drift = drift_of(rounded, bundle, config, progress)
    if config.text is None:
        return Report(parity, drift)
    progress("perplexity")
    return Report(parity, drift, measure_perplexity(task, tokenizer, bundle, config.text))


def ask(exam: Exam, bundle: Bundle, target: Target, config: ExportConfig, progress: Progress) -> Iterator[Found]:
    """What each of a target's runtimes computes; a runtime that is not installed is no fault."""
    bound = bound_of(target, config)
    if target.name == OUR_TARGET:
        yield exam.verify(bundle, bound)
    for runtime in target.runtimes:
        objection = objection_to(runtime, bundle, config)
        if objection is not None:
            yield NotChecked(runtime.name, objection)
        else:
            progress(f"verify {target.name} in {runtime.name}")
            yield exam.compare(TargetGraphs(bundle, target.name, runtime, bound))


def objection_to(runtime: Runtime, bundle: Bundle, config: ExportConfig) -> str | None:
    """Why a runtime is not asked; None where it is."""
    if config.verify == "ours":
        return "not asked for"
    if runtime.version() is None:
        return "not installed"
    return runtime.objection(bundle.path)


def bound_of(target: Target, config: ExportConfig) -> float:
    """How far a logit may be off, relative to the largest."""
    if target.facts.rounds_activations and config.weights.rounds_activations:
        return LOGITS_INT8_ACTIVATIONS
    return LOGITS_FLOAT16 if config.weights.half or config.half_state else LOGITS_FLOAT32


def drift_of(task: TaskExport, bundle: Bundle, config: ExportConfig, progress: Progress) -> tuple[DriftRow, ...]:
    """Measure the drift that the settings want.  A float16 state is held to its bound in any case."""
    drift = measure_drift(task, bundle, config.drift, progress) if config.drift else ()
    if config.half_state and task.continues_text:
        long = config.drift >= HALF_STATE_TOKENS
        hold_state(drift if long else measure_drift(task, bundle, HALF_STATE_TOKENS, progress))
    return drift
