"""Draw docs/plots/latency.png from benchmarks/results, and docs/plots/convert.png from the logs of conversions.

The pictures show what results and logs say and nothing else: run it again when they change.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.ticker import MultipleLocator

from rfa_bench.suite.results import read_result

FOLDER = Path(__file__).parent
LATENCY = FOLDER.parent / "benchmarks" / "results" / "decode-int4.json"
RFA = "#0b7a5c"
SOFTMAX = "#b3402a"
LLAMA = "#8a6d3b"
SYSTEMS = {
    "softmax": ("softmax attention", SOFTMAX),
    "llama.cpp-plain": ("llama.cpp", LLAMA),
    "rfa": ("random feature attention", RFA),
}
"""What is drawn, its name there and its color."""
SIZE_INCHES = (10, 3.8)
CONVERSIONS = {
    FOLDER.parent / "models" / "pretrained" / "stories.log.jsonl": ("stories260K", RFA),
    FOLDER / "logs" / "convert-gpt2.jsonl": ("GPT-2 of 2.6 million parameters", SOFTMAX),
}
"""Logs, and what was converted."""
HIGHEST = 1.4
"""Times the teacher's perplexity, at the picture's upper end."""


def main() -> None:
    """Write the pictures."""
    draw_latency()
    draw_conversions()


def draw_conversions() -> None:
    """How many times its teacher's perplexity a student has, against what it has read."""
    figure, axes = pyplot.subplots(figsize=(SIZE_INCHES[0] / 2, SIZE_INCHES[1]), layout="constrained")
    for log, (title, color) in CONVERSIONS.items():
        lines = log.read_text(encoding="utf-8").splitlines()
        rows = [row for row in map(json.loads, lines) if row["ratio"] is not None]
        for stage, style in ((1, ":"), (2, "-")):
            some = [row for row in rows if row["stage"] == stage]
            label = title if stage == 2 else None
            tokens = [row["tokens"] / 1e6 for row in some]
            axes.plot(tokens, [row["ratio"] for row in some], style, color=color, linewidth=2, label=label)
    axes.set_title("Student's perplexity, times its teacher's")
    axes.set_xlabel("million tokens read; dotted: layer by layer")
    axes.set_ylim(1, HIGHEST)
    axes.set_xlim(left=0)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(FOLDER / "plots" / "convert.png", dpi=120)


def draw_latency() -> None:
    """Time and memory of a token against the length of the text."""
    rows = read_result(LATENCY).rows
    figure, (left, right) = pyplot.subplots(1, 2, figsize=SIZE_INCHES, layout="constrained")
    draw(left, "Milliseconds for one token", rows, "ms_per_token", 1.0)
    draw(right, "Megabytes kept between two tokens", rows, "state_bytes", 1e6)
    figure.suptitle("GPT-2-small shape, weights of 4 bits, one text, 2 processor threads", color="#555555")
    figure.savefig(FOLDER / "plots" / "latency.png", dpi=120)


def draw(axes: Axes, title: str, rows: Sequence[Mapping[str, Any]], figure: str, unit: float) -> None:
    """One panel: all systems against the length of the text."""
    for system, (name, color) in SYSTEMS.items():
        mine = [row for row in rows if row["system"] == system]
        values = [row[figure] / unit for row in mine]
        axes.plot([row["context"] for row in mine], values, "o-", color=color, linewidth=2, label=name)
    axes.set_title(title)
    axes.set_xlabel("tokens of text before it")
    axes.xaxis.set_major_locator(MultipleLocator(4096))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
