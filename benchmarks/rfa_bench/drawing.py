"""How our plots look: lines, axes, and files that are written whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from rfa_runtime.bundle.whole_file import written_whole

COLOURS = {"rfa": "#0a7d5a", "softmax": "#b3402a"}
DOTS_PER_INCH = 120


def line(axes: Axes, lengths: Sequence[int], values: Sequence[float] | np.ndarray, system: str) -> None:
    """The line of a system: in the colour of its kind, broken for a variant such as `softmax, no mask`."""
    kind, comma, _ = system.partition(",")
    style = "--" if comma else "-"
    axes.plot(lengths, values, marker="o", label=system, color=COLOURS.get(kind), linestyle=style)


def finish(axes: Axes) -> None:
    """A legend and a faint grid."""
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)


def lengths_below(axes: Axes, lengths: Sequence[int]) -> None:
    """Lengths on a logarithmic axis, each under its point, as people write them."""
    axes.set_xscale("log")
    axes.set_xticks(lengths, list(map("{:,}".format, lengths)))
    axes.minorticks_off()


def plain_numbers(axes: Axes) -> None:
    """A logarithmic axis of values with 1, 2, 5, 10 beside it in place of powers."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def save(figure: Figure, title: str | None, file: Path) -> None:
    """Write the figure, whole or not at all."""
    if title is not None:
        figure.suptitle(title)
    with written_whole(file) as stream:
        figure.savefig(stream, format=file.suffix.removeprefix("."), dpi=DOTS_PER_INCH)
