"""Charts as PNG and SVG files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from rfa_bench.drawing import finish, lengths_below, line, plain_numbers, save
from rfa_bench.suite.charts import Chart

INCHES = (6.4, 4.2)
SUFFIXES = (".png", ".svg")


def write_images(charts: Sequence[Chart], folder: Path) -> list[Path]:
    """Write every chart.  Returns the PNG files, in the order of the charts."""
    folder.mkdir(exist_ok=True)
    found = []
    for chart in charts:
        stem = "".join(letter if letter.isalnum() else "-" for letter in chart.title)
        for suffix in SUFFIXES:
            draw(chart, folder / f"{stem}{suffix}")
        found.append(folder / f"{stem}{SUFFIXES[0]}")
    return found


def draw(chart: Chart, file: Path) -> None:
    """Draw one chart; the file's suffix says how."""
    figure = Figure(figsize=INCHES, layout="constrained")
    axes = figure.subplots()
    for system, points in chart.lines.items():
        line(axes, [int(x) for x, _ in points], [y for _, y in points], system)
    axes.set(xlabel=chart.x, ylabel=chart.y)
    if chart.log_y:
        plain_numbers(axes)
    else:
        axes.set_ylim(0, None)
    lengths_below(axes, sorted({int(x) for points in chart.lines.values() for x, _ in points}))
    finish(axes)
    save(figure, chart.title, file)
