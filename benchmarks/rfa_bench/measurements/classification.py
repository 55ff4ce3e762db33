"""Time and peak memory of a classifier that reads one long text in one call, RFA against softmax, over lengths.

Each system reads each length in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from matplotlib.figure import Figure

from rfa_bench.tables import COLOURS, lengths_below, plain_numbers, size

DID_NOT_FIT = "out of memory"
Figures = tuple[float | None, int | None, int | None]
"""The last three of a row."""


@dataclass(frozen=True)
class Row:
    """One text read by one system."""

    system: str
    bytes: int
    """Of the text: as many tokens."""
    threads: int
    ms: float | None
    """Median of some calls; None where the machine's memory was not enough."""
    peak_rss_bytes: int | None
    """Of the process: libraries, weights, and all that the call needed."""
    call_bytes: int | None
    """What the peak lies above the process that had read one short text."""


def measure(
    bundles: dict[str, Path], lengths: list[int], threads: int, rounds: int, progress: Callable[[str], None]
) -> list[Row]:
    """Measure every system at every length, systems in turns."""
    rows = []
    for length in lengths:
        for system, bundle in bundles.items():
            progress(f"{length:,} bytes, {system}")
            rows.append(Row(system, length, threads, *read_text(bundle, length, threads, rounds)))
    return rows


def read_text(bundle: Path, length: int, threads: int, rounds: int) -> Figures:
    """Measure in a process of its own.  Raises OSError where it ends for another reason than memory."""
    command = [
        sys.executable,
        "-m",
        "rfa_bench.processes.classifier_probe",
        str(bundle),
        *map(str, (length, threads, rounds)),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 0:
        found = json.loads(done.stdout)
        return found["ms"], found["peak_rss_bytes"], found["call_bytes"]
    if DID_NOT_FIT in done.stderr:
        return None, None, None
    raise OSError(f"the measurement at {length:,} bytes ended with exit code {done.returncode}: {done.stderr[-300:]}")


def exponent(rows: list[Row], what: str) -> float:
    """The slope between the two longest texts in logarithmic axes: 1 is linear, 2 is quadratic."""
    measured = [(row.bytes, getattr(row, what)) for row in rows if getattr(row, what)]
    if len(measured) < 2:
        return math.nan
    (shorter, less), (longer, more) = measured[-2:]
    return math.log(more / less) / math.log(longer / shorter)


def of_system(rows: list[Row], system: str) -> list[Row]:
    """The rows of one system, by length."""
    return [row for row in rows if row.system == system]


def table(rows: list[Row]) -> str:
    """A Markdown table, a line per length, and the slopes of each system."""
    systems = list(dict.fromkeys(row.system for row in rows))
    head = ["bytes of text", *(f"{s}, {what}" for s in systems for what in ("ms", "peak RSS", "of the call"))]
    lines = ["| " + " | ".join(head) + " |", "|" + "---:|" * len(head)]
    for length in dict.fromkeys(row.bytes for row in rows):
        cells = [cell for row in rows if row.bytes == length for cell in figures(row)]
        lines.append("| " + " | ".join([f"{length:,}", *cells]) + " |")
    slopes = [
        f"{system}: time {exponent(mine, 'ms'):.2f}, memory of the call {exponent(mine, 'call_bytes'):.2f}"
        for system in systems
        for mine in [of_system(rows, system)]
    ]
    return "\n".join([*lines, "", "slope between the two longest, 1 is linear: " + "; ".join(slopes)])


def figures(row: Row) -> list[str]:
    """The cells of one row."""
    if row.ms is None or row.peak_rss_bytes is None or row.call_bytes is None:
        return [DID_NOT_FIT] * 3
    return [f"{row.ms:,.0f}", size(row.peak_rss_bytes), size(row.call_bytes)]


def plot(rows: list[Row], title: str, file: Path) -> None:
    """Time and memory of the call against length, both on logarithmic axes."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, what, unit in zip(figure.subplots(1, 2), ("ms", "call_bytes"), (1e3, 1e6), strict=True):
        for system in dict.fromkeys(row.system for row in rows):
            mine = [row for row in of_system(rows, system) if getattr(row, what)]
            style = {"color": COLOURS.get(system.split(",")[0]), "linestyle": "--" if "," in system else "-"}
            values = [getattr(row, what) / unit for row in mine]
            axes.plot([row.bytes for row in mine], values, marker="o", label=system, **style)
        plain_numbers(axes)
        lengths_below(axes, sorted({row.bytes for row in rows}))
        axes.set(xlabel="bytes of text", ylabel="s" if what == "ms" else "MB")
        axes.set_title("time of the call" if what == "ms" else "peak memory of the call")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    figure.suptitle(title)
    figure.savefig(file, dpi=120)


def as_tables(rows: list[Row]) -> list[dict[str, object]]:
    """Plain rows for `--json`."""
    return [asdict(row) for row in rows]
