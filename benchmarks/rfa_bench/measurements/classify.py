"""Time and peak memory of a classifier that reads one long text in one call, RFA against softmax, over lengths.

Each system reads each length in a process for itself, so that its peak memory is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rfa_bench.processes.ask import DID_NOT_FIT, ProbeError, ask
from rfa_bench.subjects.classifier_twins import export_classifier_twins
from rfa_bench.subjects.shapes import CLASSIFIERS
from rfa_bench.tables import column
from rfa_export.targets.export_config import ExportConfig


@dataclass(frozen=True)
class ClassificationRow:
    """One text read by one system."""

    system: str
    bytes: int
    """Of the text: as many tokens."""
    threads: int
    ms: float | None = None
    """Median of some calls; None where the machine's memory was not enough."""
    peak_rss_bytes: int | None = None
    """Of the process: libraries, weights, and all that the call needed."""
    call_bytes: int | None = None
    """What the peak lies above the process that had read one short text."""
    precision: str = "fp32"
    provider: str = "cpu"
    device_bytes: int | None = None
    """What the GPU holds more after the calls; None on the processor."""


def twins_of_shape(size: str, folder: Path, weights: ExportConfig) -> dict[str, Path]:
    """Export all systems of a named shape.  Returns their bundles by system."""
    return export_classifier_twins(CLASSIFIERS[size], folder, weights)


def measure(
    bundles: dict[str, Path],
    precision: str,
    lengths: list[int],
    threads: int,
    rounds: int,
    progress: Callable[[str], None],
    provider: str = "cpu",
) -> list[ClassificationRow]:
    """Measure every system at every length, systems in turns.

    precision: that the bundles have.  rounds: calls at each length.
    """
    rows = []
    for length in lengths:
        for system, bundle in bundles.items():
            progress(f"{length:,} bytes, {system}")
            figures = figures_of(bundle, provider, length, threads, rounds)
            rows.append(ClassificationRow(system, length, threads, precision=precision, provider=provider, **figures))
    return rows


def figures_of(bundle: Path, provider: str, length: int, threads: int, rounds: int) -> dict[str, Any]:
    """The figures of a row; none where memory was not enough.  Raises ProbeError where anything else fails."""
    try:
        return ask("classifier_probe", bundle, provider, length, threads, rounds)
    except ProbeError as error:
        if DID_NOT_FIT in str(error):
            return {}
        raise


def exponent(rows: list[ClassificationRow], figure: str) -> float:
    """The slope between the two longest texts in logarithmic axes: 1 is linear, 2 is quadratic."""
    fitted = with_figure(rows, figure)[-2:]
    if len(fitted) < 2:
        return math.nan
    shorter, longer = fitted
    less, more = column(fitted, figure)
    return math.log(more / less) / math.log(longer.bytes / shorter.bytes)


def with_figure(rows: list[ClassificationRow], figure: str) -> list[ClassificationRow]:
    """The rows that have a figure: memory was enough."""
    return [row for row in rows if getattr(row, figure)]
