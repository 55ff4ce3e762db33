"""Draw docs/plots/latency.png from the first table under "Decoding" in docs/results.md.

The picture shows what the table says and nothing else: run it again when the table changes.
"""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.ticker import MultipleLocator

FOLDER = Path(__file__).parent
SECTION = "## Decoding: time and memory against context"
ROW = re.compile(r"^\| ([\d,]+) \| ([\d.]+) \| ([\d.]+) \| [\d.]+ \| ([\d.]+) MB \| ([\d.]+) MB \|", re.MULTILINE)
RFA = "#0b7a5c"
SOFTMAX = "#b3402a"
SIZE_INCHES = (10, 3.8)


def main() -> None:
    """Write the picture."""
    section = (FOLDER / "results.md").read_text(encoding="utf-8").partition(SECTION)[2]
    first_table = section.partition("\n\n![")[0]
    rows = [tuple(float(cell.replace(",", "")) for cell in row) for row in ROW.findall(first_table)]
    tokens, rfa_ms, softmax_ms, rfa_mb, softmax_mb = zip(*rows, strict=True)
    figure, (left, right) = pyplot.subplots(1, 2, figsize=SIZE_INCHES, layout="constrained")
    draw(left, "Milliseconds for one token", tokens, rfa_ms, softmax_ms)
    draw(right, "Megabytes kept between two tokens", tokens, rfa_mb, softmax_mb)
    figure.suptitle("GPT-2-small shape, float32, one text, 2 processor threads", color="#555555")
    figure.savefig(FOLDER / "plots" / "latency.png", dpi=120)


def draw(axes: Axes, title: str, tokens: tuple[float, ...], rfa: tuple[float, ...], softmax: tuple[float, ...]) -> None:
    """One panel: both systems against the length of the text."""
    axes.plot(tokens, softmax, "o-", color=SOFTMAX, linewidth=2, label="softmax attention")
    axes.plot(tokens, rfa, "o-", color=RFA, linewidth=2, label="random feature attention")
    axes.set_title(title)
    axes.set_xlabel("tokens of text before it")
    axes.xaxis.set_major_locator(MultipleLocator(2048))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
