"""One plot for each command that has `--plot`, as a PNG or SVG file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rfa_bench.drawing import finish, lengths_below, line, plain_numbers, save
from rfa_bench.measurements.classify import ClassificationRow, with_figure
from rfa_bench.measurements.growth import GrowthRow, exponent
from rfa_bench.tables import column, distinct, where

if TYPE_CHECKING:
    from rfa_bench.measurements.paper import PaperRow
    from rfa_bench.measurements.translate import TranslationRow
    from rfa_bench.systems.row import Row

TWO_PANELS = (10, 4)
"""Inches."""


def decode(rows: Sequence[Row], title: str, file: Path) -> None:
    """Time and state against context, of those that were measured."""
    rows = [row for row in rows if not row.reason]
    figure = Figure(figsize=TWO_PANELS, layout="constrained")
    time_axes, state_axes = figure.subplots(1, 2)
    for system in distinct(rows, "system"):
        mine = where(rows, system=system)
        contexts = column(mine, "context")
        megabytes = np.divide(column(mine, "state_bytes"), 1e6)
        line(time_axes, contexts, column(mine, "ms_per_token"), system)
        line(state_axes, contexts, megabytes, system)
    time_axes.set(title="time per token", xlabel="context, tokens", ylabel="ms", xscale="log", ylim=(0, None))
    state_axes.set(title="decoding state", xlabel="context, tokens", ylabel="MB", xscale="log", yscale="log")
    finish(time_axes)
    finish(state_axes)
    save(figure, title, file)


def translate(rows: Sequence[TranslationRow], title: str, file: Path) -> None:
    """Time against the target's length, a panel for each length of source."""
    sources = distinct(rows, "source")
    figure = Figure(figsize=(3.6 * len(sources) + 1, 4), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(sources), sharey=True))
    for axes, source in zip(panels, sources, strict=True):
        for system in distinct(rows, "system"):
            mine = where(rows, system=system, source=source)
            line(axes, column(mine, "target"), column(mine, "ms_per_token"), system)
        lengths_below(axes, distinct(rows, "target"))
        axes.set(title=f"source of {source:,}", xlabel="target, tokens")
        axes.grid(alpha=0.3)
    panels[0].set(ylabel="ms per token", ylim=(0, None))
    panels[0].legend(frameon=False)
    save(figure, title, file)


def paper(rows: Sequence[PaperRow], title: str, file: Path) -> None:
    """Speed at the left and memory at the right, both against length, as in the paper."""
    figure = Figure(figsize=TWO_PANELS, layout="constrained")
    speed_axes, memory_axes = figure.subplots(1, 2)
    for system in distinct(rows, "system"):
        mine = where(rows, system=system)
        lengths = column(mine, "context")
        speeds = [1e3 * row.batch / row.ms_per_token for row in mine]
        line(speed_axes, lengths, speeds, system)
        line(memory_axes, lengths, np.divide(column(mine, "state_bytes"), 1e6), system)
    speed_axes.set(xlabel="tokens of source and target", ylabel="tokens per second", ylim=(0, None))
    memory_axes.set(xlabel="tokens of source and target", ylabel="MB kept", yscale="log")
    for axes in (speed_axes, memory_axes):
        lengths_below(axes, distinct(rows, "context"))
        finish(axes)
    save(figure, title, file)


def classify(rows: Sequence[ClassificationRow], title: str, file: Path) -> None:
    """Time and memory of the call against length, both on logarithmic axes."""
    figure = Figure(figsize=TWO_PANELS, layout="constrained")
    time_axes, memory_axes = figure.subplots(1, 2)
    draw_calls(time_axes, rows, "ms", 1e3)
    draw_calls(memory_axes, rows, "call_bytes", 1e6)
    time_axes.set(title="time of the call", xlabel="bytes of text", ylabel="s")
    memory_axes.set(title="peak memory of the call", xlabel="bytes of text", ylabel="MB")
    save(figure, title, file)


def draw_calls(axes: Axes, rows: Sequence[ClassificationRow], figure: str, unit: float) -> None:
    """One figure of all systems, where memory was enough.  unit: of the axis, in those of the figure."""
    for system in distinct(rows, "system"):
        mine = with_figure(where(rows, system=system), figure)
        values = np.divide(column(mine, figure), unit)
        line(axes, column(mine, "bytes"), values, system)
    plain_numbers(axes)
    lengths_below(axes, distinct(rows, "bytes"))
    finish(axes)


def growth(rows: Sequence[GrowthRow], file: Path) -> None:
    """Time and memory against length in logarithmic axes, beside a line of slope one."""
    figure = Figure(figsize=TWO_PANELS, layout="constrained")
    time_axes, memory_axes = figure.subplots(1, 2)
    draw_sweeps(time_axes, rows, "ms", 1e3)
    draw_sweeps(memory_axes, rows, "peak_bytes", 1e6)
    time_axes.set(title="forward and backward", ylabel="s")
    memory_axes.set(title="peak memory", ylabel="MB")
    save(figure, None, file)


def draw_sweeps(axes: Axes, rows: Sequence[GrowthRow], figure: str, unit: float) -> None:
    """One figure of all systems.  The line of slope one ends where the first system's ends."""
    systems = distinct(rows, "system")
    for system in systems:
        mine = where(rows, system=system)
        values = np.divide(column(mine, figure), unit)
        label = f"{system}, slope {exponent(rows, system, figure):.2f}"
        axes.plot(column(mine, "context"), values, marker="o", label=label)
    first = where(rows, system=systems[0])
    lengths = np.array(column(first, "context"))
    end = getattr(first[-1], figure) / unit
    axes.plot(lengths, end * lengths / lengths[-1], "k:", label="slope 1")
    axes.set(xscale="log", yscale="log", xlabel="tokens")
    finish(axes)
