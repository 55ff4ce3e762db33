"""What is drawn of a result: lines over an axis, one for each system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rfa_bench.suite.results import Result

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Chart:
    """Lines over a logarithmic axis."""

    title: str
    x: str
    """Words of the axis below."""
    y: str
    """Words of the axis at the left."""
    lines: Mapping[str, Points]
    """By system."""
    log_y: bool = False


@dataclass(frozen=True)
class Axes:
    """Which figures of a row are drawn, and how they are called."""

    x: str
    x_words: str
    y: str
    y_words: str
    unit: float = 1.0
    """Of the axis at the left, in those of the figure."""
    log_y: bool = False


CHARTS: Mapping[str, Sequence[Axes]] = {
    "decode": (
        Axes("context", "tokens of context", "ms_per_token", "ms per token"),
        Axes("context", "tokens of context", "state_bytes", "state, MB", 1e6, log_y=True),
    ),
    "batch": (Axes("batch", "texts side by side", "avg_ts", "tokens per second"),),
    "prefill": (Axes("n_prompt", "tokens of the prompt", "avg_ts", "tokens per second"),),
    "memory": (Axes("context", "tokens of context", "peak_rss_bytes", "peak memory, MB", 1e6, log_y=True),),
    "train": (
        Axes("context", "tokens of the text", "ms_per_step", "ms per step", log_y=True),
        Axes("context", "tokens of the text", "peak_rss_bytes", "peak memory, MB", 1e6, log_y=True),
    ),
    "paper": (
        Axes("context", "tokens of source and target", "speedup", "times as fast as softmax"),
        Axes("context", "tokens of source and target", "state_bytes", "MB kept", 1e6, log_y=True),
    ),
    "growth": (
        Axes("context", "tokens of the text", "ms", "ms, forward and backward", log_y=True),
        Axes("context", "tokens of the text", "peak_bytes", "peak memory, MB", 1e6, log_y=True),
    ),
    "classify": (
        Axes("bytes", "bytes of the text", "ms", "ms of the call", log_y=True),
        Axes("bytes", "bytes of the text", "call_bytes", "memory of the call, MB", 1e6, log_y=True),
    ),
    "translate": (Axes("target", "tokens of the target", "ms_per_token", "ms per token"),),
}
"""By measurement; the others have tables only."""


def charts_of(result: Result) -> list[Chart]:
    """The charts of a result; those of a single point are left out."""
    found = []
    for axes in CHARTS.get(result.kind, ()):
        lines = lines_of(result.rows, axes)
        if any(len(points) > 1 for points in lines.values()):
            found.append(Chart(f"{result.name}: {axes.y_words}", axes.x_words, axes.y_words, lines, axes.log_y))
    return found


def lines_of(rows: Sequence[Mapping[str, Any]], axes: Axes) -> dict[str, Points]:
    """A line for each system; of a translator, for each length of the source."""
    lines: dict[str, Points] = {}
    for row in rows:
        value = row.get(axes.y)
        if value is None or axes.x not in row:
            continue
        source = f", source of {row['source']}" if "source" in row else ""
        lines.setdefault(f"{row['system']}{source}", []).append((row[axes.x], value / axes.unit))
    return lines
