"""Every target in every precision: size, load time, time per token, memory, perplexity, and what was verified.

Each target is decoded in a process for itself, by the runtime that it was written for.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any

from rfa_bench.processes.ask import command_of
from rfa_bench.processes.decoders.loop import SETTLE_STEPS
from rfa_bench.processes.worker import Worker
from rfa_bench.subjects.language_twins import random_checkpoint
from rfa_bench.subjects.shapes import SIZES
from rfa_export.exams.parity import NotChecked
from rfa_export.pipeline import Exported, export
from rfa_export.runtimes.openvino import OpenVino
from rfa_export.targets.catalogue import TARGETS, WITH_GRAPHS
from rfa_export.targets.export_config import ExportConfig
from rfa_export.verification.report import Found
from rfa_models.checkpoints.checkpoint import Checkpoint, load_checkpoint
from rfa_models.data.texts import read_text
from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.bundle.interface import OUR_TARGET

SELF_CONTAINED = ("torchscript", "mobile")
"""Targets with weights in their own files."""
SHARED_WEIGHTS = "model.onnx.data"
"""The weights of all other targets."""
OTHER_FORM = "model.pt2"
"""A second form of a target, which no program needs besides the first."""
BURST = 8
"""Steps."""
DECODERS = {
    "ort": "runtime",
    "onnx27": "runtime",
    "plain": "openvino",
    "genai": "genai",
    "torchscript": "torchscript",
    "mobile": "runtime",
}
"""Programs of `processes/decoders` that decode with a target, each in its runtime."""
RUNTIMES = {
    "runtime": "onnxruntime",
    "openvino": "openvino",
    "genai": "onnxruntime-genai",
    "torchscript": "torch.jit",
}
"""What each program stands on, for the table."""


@dataclass(frozen=True)
class TargetRow:
    """One target in one precision; the names are the contract of `rfa-bench targets --json`."""

    system: str
    """The target."""
    precision: str
    runtime: str
    """That decoded."""
    threads: int
    file_bytes: int
    """Of what a program needs that has only this target: graphs, weights, tokenizer."""
    load_ms: float
    ms_per_token: float
    peak_rss_bytes: int
    perplexity: float | None
    """Of target ort, on the text of --eval; the others compute the same, as parity says."""
    parity: dict[str, str]
    """By runtime: choices equal to torch's, or why it was not asked.  Asked on the processor."""
    provider: str = "cpu"


def model_of(size: str, checkpoint: Path | None) -> Checkpoint:
    """The language model of a checkpoint, or without one, a model of a named shape with random weights."""
    if checkpoint is None:
        return random_checkpoint(SIZES[size])
    return load_checkpoint(checkpoint)


def measure(
    checkpoint: Checkpoint,
    precisions: list[str],
    text: Path | None,
    folder: Path,
    threads: int,
    bursts: int,
    progress: Callable[[str], None],
    provider: str = "cpu",
) -> list[TargetRow]:
    """Export once for each precision, with all targets that have it, then decode with each.

    text: a file whose perplexity is measured.  folder: where bundles go.  bursts: timed bursts of 8 tokens.
    """
    words = None if text is None else read_text(text)
    rows = []
    for precision in precisions:
        targets = targets_with(precision, provider)
        progress(f"{precision}: export")
        config = ExportConfig(tuple(targets), precision, text=words)
        exported = export(checkpoint, folder / f"{precision}.rfa", overwrite=True, progress=progress, config=config)
        for target in targets:
            progress(f"{precision}: decode with {target}")
            rows.append(row_of(exported, target, precision, threads, bursts, provider))
    return rows


def targets_with(precision: str, provider: str) -> list[str]:
    """The targets that have a precision, and whose runtime we have on the provider's device."""
    found = []
    for name in WITH_GRAPHS:
        if precision in TARGETS[name].precisions and (provider == "cpu" or name == OUR_TARGET):
            found.append(name)
    return found


def row_of(exported: Exported, target: str, precision: str, threads: int, bursts: int, provider: str) -> TargetRow:
    """Decode with one target in a process for itself.  Raises ProbeError where that fails."""
    figures = figures_of(exported.bundle, target, threads, bursts, provider)
    perplexity = exported.report.perplexity if target == OUR_TARGET else None
    return TargetRow(
        system=target,
        precision=precision,
        threads=threads,
        provider=provider,
        file_bytes=bytes_of(exported.bundle, target),
        perplexity=None if perplexity is None else perplexity.bundle,
        parity={found.runtime: finding(found) for found in exported.report.parity[target]},
        **figures,
    )


def figures_of(bundle: Path, target: str, threads: int, bursts: int, provider: str) -> dict[str, Any]:
    """What a process shows that only decodes one text.  Raises ProbeError where it fails."""
    decoder = decoder_of(target)
    options = [target] if decoder == "runtime" else []
    worker = Worker(command_of(f"decoders.{decoder}", bundle, threads, provider, *options))
    text = int(worker.ask(f"open 1 0 {bursts * (BURST + SETTLE_STEPS)}"))
    times = [mean(json.loads(worker.ask(f"step {text} {BURST}"))) for _ in range(bursts)]
    memory = json.loads(worker.ask("memory"))
    worker.end()
    return {
        "runtime": RUNTIMES[decoder],
        "load_ms": float(worker.greeting) * 1e3,
        "ms_per_token": median(times) * 1e3,
        "peak_rss_bytes": memory["peak_rss_bytes"],
    }


def decoder_of(target: str) -> str:
    """The program that decodes with a target; ONNX Runtime reads ordinary operators where OpenVINO is not installed."""
    name = DECODERS[target]
    if name == "openvino" and OpenVino().version() is None:
        return "runtime"
    return name


def bytes_of(bundle: Path, target: str) -> int:
    """Bytes of a target's graphs, of the weights that they read, and of what lies beside them for all targets."""
    manifest = read_bundle(bundle, check_hashes=False).manifest
    not_needed = {OTHER_FORM}
    for graph in manifest.graphs.values():
        if graph.target != target:
            not_needed.add(graph.file)
    if target in SELF_CONTAINED:
        not_needed.add(SHARED_WEIGHTS)
    needed = 0
    for name, entry in manifest.files.items():
        if name not in not_needed:
            needed += entry.bytes
    return needed


def finding(found: Found) -> str:
    """What a runtime's verification found, in a few words."""
    if isinstance(found, NotChecked):
        return f"not checked: {found.reason}"
    ties = f", {found.near_ties} near ties" if found.near_ties else ""
    return f"{found.tokens_equal} of {found.tokens_compared}{ties}"
