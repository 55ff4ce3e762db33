"""`rfa-bench classify`: time and peak memory of a long text in one call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rfa_bench import measurements
from rfa_bench.commands.provider import check_provider
from rfa_bench.processes.ask import DID_NOT_FIT
from rfa_bench.subjects.shapes import CLASSIFIERS
from rfa_bench.tables import as_tables, distinct, readable_size, table, where
from rfa_bench.terminal import (
    BLOCK_SIZE,
    JSON,
    KEEP,
    PLOT,
    PRECISION,
    PROVIDER,
    THREADS,
    THROUGHPUT,
    count_option,
    lengths_option,
    measuring,
    print_result,
    size_option,
)
from rfa_export.targets.export_config import ExportConfig

if TYPE_CHECKING:
    from rfa_bench.measurements.classify import ClassificationRow

FIGURES = ("ms", "peak RSS", "of the call")


@click.command(epilog="Example:  rfa-bench classify --threads 2 --plot classification.png")
@size_option(CLASSIFIERS, "base")
@PRECISION
@BLOCK_SIZE
@THROUGHPUT
@lengths_option("--lengths", "4096,16384,65536", "Bytes of text, with commas.")
@THREADS
@PROVIDER
@count_option("--rounds", 3, "Calls at each length.")
@PLOT
@KEEP
@JSON
def classify(
    size: str,
    precision: str,
    block_size: int | None,
    throughput: bool,
    lengths: list[int],
    threads: int,
    provider: str,
    rounds: int,
    plot: Path | None,
    keep: Path | None,
    as_json: bool,
) -> None:
    """Time and peak memory of a long text in one call, RFA against softmax.

    Softmax comes twice: with the mask for padding that it is exported with, and without.
    """
    with measuring(keep, plot) as (folder, progress):
        weights = ExportConfig(precision=precision, block_size=block_size, throughput=throughput)
        check_provider(provider)
        progress("export")
        bundles = measurements.classify.twins_of_shape(size, folder, weights)
        rows = measurements.classify.measure(bundles, weights.label, lengths, threads, rounds, progress, provider)
        if plot is not None:
            title = f"classifier of size {size}, {weights.label}, one text, {threads} thread(s), {provider}"
            measurements.plots.classify(rows, title, plot)
    print_result({"rows": as_tables(rows)}, f"{side_by_side(rows)}\n\n{slopes(rows)}", as_json)


def side_by_side(rows: Sequence[ClassificationRow]) -> str:
    """A line for each length, the figures of each system beside each other."""
    head = ["bytes of text"]
    for system in distinct(rows, "system"):
        head += [f"{system}, {figure}" for figure in FIGURES]
    lines = []
    for length in distinct(rows, "bytes"):
        cells = [f"{length:,}"]
        for row in where(rows, bytes=length):
            cells += figures(row)
        lines.append(cells)
    return table(head, lines)


def figures(row: ClassificationRow) -> list[str]:
    """The cells of one row."""
    if row.ms is None or row.peak_rss_bytes is None or row.call_bytes is None:
        return [DID_NOT_FIT] * len(FIGURES)
    return [f"{row.ms:,.0f}", readable_size(row.peak_rss_bytes), readable_size(row.call_bytes)]


def slopes(rows: Sequence[ClassificationRow]) -> str:
    """How fast time and memory of each system grow."""
    said = []
    for system in distinct(rows, "system"):
        mine = where(rows, system=system)
        time = measurements.classify.exponent(mine, "ms")
        memory = measurements.classify.exponent(mine, "call_bytes")
        said.append(f"{system}: time {time:.2f}, memory of the call {memory:.2f}")
    return "slope between the two longest, 1 is linear: " + "; ".join(said)
