"""Every target in every precision: size, load time, time per token, memory, perplexity, and what was verified.

Each is decoded in a process of its own by the runtime that it was written for.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from rfa_bench.tables import size
from rfa_export.exams.parity import NotChecked
from rfa_export.graph.roles import OUR_OWN
from rfa_export.pipeline import Exported, export
from rfa_export.runtimes.openvino import OpenVino
from rfa_export.targets.catalogue import TARGETS
from rfa_export.targets.export_config import ExportConfig
from rfa_export.verification.report import Found
from rfa_models.checkpoints.checkpoint import Checkpoint
from rfa_runtime.bundle.bundle import read_bundle

SELF_CONTAINED = ("torchscript", "mobile")
"""Targets with weights in their own files."""
SHARED_WEIGHTS, OTHER_FORM = "model.onnx.data", "model.pt2"
"""The weights of all others; a second form of a target, which no program needs besides the first."""
PROBES = {
    "ort": "probe_ort",
    "onnx27": "probe_ort",
    "plain": "probe_openvino",
    "genai": "probe_genai",
    "torchscript": "probe_torch",
    "mobile": "probe_ort",
}
"""Modules of this package that decode with a target, each in its runtime."""


@dataclass(frozen=True)
class Row:
    """One target in one precision; the names are the contract of `rfa-bench targets --json`."""

    system: str
    """The target."""
    precision: str
    runtime: str
    """That decoded."""
    threads: int
    file_bytes: int
    """Of what a program with this target alone needs: graphs, weights, tokenizer."""
    load_ms: float
    ms_per_token: float
    peak_rss_bytes: int
    perplexity: float | None
    """Of target ort, on the text of --eval; the others compute the same, as parity says."""
    parity: dict[str, str]
    """By runtime: choices equal to torch's, or why it was not asked."""


def measure(
    checkpoint: Checkpoint,
    precisions: list[str],
    text: str | None,
    folder: Path,
    threads: int,
    bursts: int,
    progress: Callable[[str], None],
) -> list[Row]:
    """Export once for each precision, with all targets that have it, then decode with each."""
    rows = []
    for precision in precisions:
        targets = tuple(name for name, target in TARGETS.items() if precision in target.precisions)
        progress(f"{precision}: export")
        config = ExportConfig(targets, precision, text=text)
        exported = export(checkpoint, folder / f"{precision}.rfa", overwrite=True, progress=progress, config=config)
        for target in targets:
            progress(f"{precision}: decode with {target}")
            rows.append(row_of(exported, target, precision, threads, bursts))
    return rows


def row_of(exported: Exported, target: str, precision: str, threads: int, bursts: int) -> Row:
    """Decode with one target in a process of its own."""
    command = [sys.executable, "-m", probe_of(target), str(exported.bundle), target, str(threads), str(bursts)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"decoding with target {target} ended with exit code {done.returncode}: {done.stderr[-300:]}")
    perplexity = exported.report.perplexity if target == OUR_OWN else None
    return Row(
        system=target,
        precision=precision,
        threads=threads,
        file_bytes=bytes_of(exported.bundle, target),
        perplexity=None if perplexity is None else perplexity.bundle,
        parity={found.runtime: said(found) for found in exported.report.parity[target]},
        **json.loads(done.stdout),
    )


def probe_of(target: str) -> str:
    """The module that decodes with a target; ONNX Runtime reads ordinary operators where OpenVINO is not installed."""
    name = PROBES[target]
    if name == "probe_openvino" and OpenVino().version() is None:
        name = "probe_ort"
    return f"rfa_bench.{name}"


def bytes_of(bundle: Path, target: str) -> int:
    """Graphs of a target, the weights that they read, and what lies beside them for all."""
    manifest = read_bundle(bundle, check_hashes=False).manifest
    of_others = {spec.file for spec in manifest.graphs.values() if spec.target != target} | {OTHER_FORM}
    if target in SELF_CONTAINED:
        of_others.add(SHARED_WEIGHTS)
    return sum(entry.bytes for name, entry in manifest.files.items() if name not in of_others)


def said(found: Found) -> str:
    """What it said."""
    if isinstance(found, NotChecked):
        return f"not checked: {found.reason}"
    ties = f", {found.near_ties} near ties" if found.near_ties else ""
    return f"{found.tokens_equal} of {found.tokens_compared}{ties}"


def table(rows: list[Row]) -> str:
    """A Markdown table, a line for each target and precision."""
    head = [
        "target",
        "weights",
        "decoded by",
        "files",
        "load",
        "ms/token",
        "peak memory",
        "perplexity",
        "equal to torch",
    ]
    lines = ["| " + " | ".join(head) + " |", "|---|---|---|" + "---:|" * 5 + "---|"]
    for row in rows:
        cells = [row.system, row.precision, row.runtime, size(row.file_bytes), f"{row.load_ms:,.0f} ms"]
        cells += [f"{row.ms_per_token:.3f}", size(row.peak_rss_bytes)]
        cells.append("" if row.perplexity is None else f"{row.perplexity:.4f}")
        cells.append("; ".join(f"{runtime}: {what}" for runtime, what in row.parity.items()))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def as_tables(rows: list[Row]) -> list[dict[str, object]]:
    """Plain rows for `--json`."""
    return [asdict(row) for row in rows]
