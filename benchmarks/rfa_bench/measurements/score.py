"""How fast a text is scored, as `rfa-run --score` does: the logits of every position.

Each system reads the text in a process for itself, so that its peak memory is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rfa_bench.processes.ask import ask
from rfa_bench.subjects.language_twins import export_twins
from rfa_bench.subjects.shapes import SIZES
from rfa_export.targets.export_config import ExportConfig


@dataclass(frozen=True)
class ScoreRow:
    """A text scored by one system; the names are the contract of `rfa-bench score --json`."""

    system: str
    tokens: int
    """That are predicted."""
    precision: str
    threads: int
    tokens_per_s: float
    """Median of the rounds."""
    peak_rss_bytes: int
    """Of a process that only loads the bundle and reads the text."""
    provider: str = "cpu"


@dataclass(frozen=True)
class ScorePlan:
    """What is read, and how often."""

    length: int
    """Bytes of the text."""
    threads: int
    rounds: int
    provider: str = "cpu"


def twins_of_shape(size: str, folder: Path, weights: ExportConfig) -> dict[str, Path]:
    """Export both systems of a named shape with random weights.  Returns their bundles by system."""
    return export_twins(SIZES[size], folder, weights)


def measure(
    bundles: dict[str, Path], precision: str, plan: ScorePlan, progress: Callable[[str], None]
) -> list[ScoreRow]:
    """Measure every system.  precision: that the bundles have.  Raises ProbeError where a process ends early."""
    rows = []
    for system, bundle in bundles.items():
        progress(system)
        found = ask("score_probe", bundle, plan.provider, plan.length, plan.threads, plan.rounds)
        rows.append(ScoreRow(system, precision=precision, threads=plan.threads, provider=plan.provider, **found))
    return rows
