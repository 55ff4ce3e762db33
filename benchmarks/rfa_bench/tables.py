"""Measured rows as a table for people and a plot."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from rfa_bench.commands.latency import Row

COLOURS = {"rfa": "#0a7d5a", "softmax": "#b3402a"}


def table(rows: list[Row]) -> str:
    """A Markdown table: a line per context, systems side by side."""
    systems = list(dict.fromkeys(row.system for row in rows))
    by_place = {(row.system, row.context): row for row in rows}
    head = [
        "context",
        *(f"{s} ms/token" for s in systems),
        *(f"{s} state" for s in systems),
        *(f"{s} peak RSS" for s in systems),
    ]
    lines = ["| " + " | ".join(head) + " |", "|" + "---:|" * len(head)]
    for context in dict.fromkeys(row.context for row in rows):
        cells = [by_place[system, context] for system in systems]
        lines.append(
            "| "
            + " | ".join(
                [
                    f"{context:,}",
                    *(f"{row.ms_per_token:.3f}" for row in cells),
                    *(size(row.state_bytes) for row in cells),
                    *(size(row.peak_rss_bytes) for row in cells),
                ]
            )
            + " |"
        )
    return "\n".join(lines)


def size(count: int) -> str:
    """Bytes for people: 1,024 -> 1.0 kB as disks count them."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError


def plot_latency(rows: list[Row], title: str, file: Path) -> None:
    """Time and state against context, both on logarithmic axes."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    time_axes, state_axes = figure.subplots(1, 2)
    for system in dict.fromkeys(row.system for row in rows):
        mine = [row for row in rows if row.system == system]
        contexts = [row.context for row in mine]
        style = {"color": COLOURS.get(system), "marker": "o", "label": system}
        time_axes.plot(contexts, [row.ms_per_token for row in mine], **style)
        state_axes.plot(contexts, [row.state_bytes / 1e6 for row in mine], **style)
    time_axes.set(title="time per token", xlabel="context, tokens", ylabel="ms", xscale="log", ylim=(0, None))
    state_axes.set(title="decoding state", xlabel="context, tokens", ylabel="MB", xscale="log", yscale="log")
    for axes in (time_axes, state_axes):
        axes.legend(frameon=False)
        axes.grid(alpha=0.3)
    figure.suptitle(title)
    figure.savefig(file, dpi=120)


def lengths_below(axes: Axes, lengths: list[int]) -> None:
    """Lengths on a logarithmic axis, each under its point, as people write them."""
    axes.set_xscale("log")
    axes.set_xticks(lengths, [f"{length:,}" for length in lengths])
    axes.minorticks_off()


def plain_numbers(axes: Axes) -> None:
    """A logarithmic axis of values with 1, 2, 5, 10 beside it in place of powers."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
