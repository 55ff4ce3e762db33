"""`rfa-bench latency`: time per token and memory at growing context."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rfa_bench import measurements
from rfa_bench.commands.provider import check_provider
from rfa_bench.tables import as_tables, column, distinct, readable_size, table, where
from rfa_bench.terminal import (
    BATCH,
    BLOCK_SIZE,
    FILE,
    JSON,
    KEEP,
    LANGUAGE_SIZE,
    PLOT,
    PRECISION,
    PROVIDER,
    THREADS,
    THROUGHPUT,
    count_option,
    lengths_option,
    measuring,
    print_result,
)
from rfa_export.targets.export_config import ExportConfig
from rfa_models.checkpoints.archive import check_archive
from rfa_runtime.bundle.bundle import read_bundle

if TYPE_CHECKING:
    from rfa_bench.measurements.latency import LatencyRow

FIGURES = ("ms/token", "state", "peak RSS")


@click.command(epilog="Example:  rfa-bench latency --checkpoint model.pt --bundle model.rfa")
@LANGUAGE_SIZE
@click.option("--checkpoint", type=FILE, help="Measure the shape of this model; needs --bundle.")
@click.option("--bundle", type=FILE, help="The bundle of the checkpoint.")
@lengths_option("--contexts", "128,512,2048,8192", "Tokens of context, with commas.")
@PRECISION
@BLOCK_SIZE
@THROUGHPUT
@BATCH
@THREADS
@PROVIDER
@click.option("--concatenated", is_flag=True, help="Measure the common softmax export, too, which copies its cache.")
@count_option("--rounds", 3, "Turns after each of 3 starts.")
@count_option("--burst", 16, "Steps of one system in a turn.")
@PLOT
@KEEP
@JSON
def latency(
    size: str,
    checkpoint: Path | None,
    bundle: Path | None,
    contexts: list[int],
    precision: str,
    block_size: int | None,
    throughput: bool,
    batch: int,
    threads: int,
    provider: str,
    concatenated: bool,
    rounds: int,
    burst: int,
    plot: Path | None,
    keep: Path | None,
    as_json: bool,
) -> None:
    """Time per token and memory at growing context, RFA against the best softmax.

    Both systems have one shape, and are exported the same way in the same precision.
    """
    if (checkpoint is None) != (bundle is None):
        raise click.UsageError("--checkpoint and --bundle go together")
    if concatenated and provider != "cpu":
        raise click.UsageError("--concatenated is measured on the processor, drop it or take --provider cpu")
    with measuring(keep, plot) as (folder, progress):
        weights = ExportConfig(precision=precision, block_size=block_size, throughput=throughput)
        check_provider(provider, weights.weights)
        if checkpoint is not None and bundle is not None:
            check_archive(checkpoint)
            read_bundle(bundle)  # refuses it before anything is loaded
        plan = measurements.latency.LatencyPlan(contexts, batch, threads, rounds, burst, provider)
        progress("export")
        if checkpoint is not None and bundle is not None:
            bundles = measurements.latency.twins_of_checkpoint(checkpoint, bundle, folder, weights)
        else:
            bundles = measurements.latency.twins_of_shape(size, folder, weights)
        rows = measurements.latency.measure(bundles, weights.label, plan, progress)
        if concatenated:
            rows += measurements.latency.measure_concatenated(bundles["softmax"], weights.label, plan, progress)
        if plot is not None:
            title = f"{checkpoint or size}, {weights.label}, batch {batch}, {threads} thread(s), {provider}"
            measurements.plots.latency(rows, title, plot)
    print_result({"rows": as_tables(rows)}, side_by_side(rows), as_json)


def side_by_side(rows: Sequence[LatencyRow]) -> str:
    """A line for each context, the systems beside each other for each figure."""
    head = ["context"]
    for figure in FIGURES:
        head += [f"{system} {figure}" for system in distinct(rows, "system")]
    lines = []
    for context in distinct(rows, "context"):
        here = where(rows, context=context)
        times = map("{:.3f}".format, column(here, "ms_per_token"))
        states = map(readable_size, column(here, "state_bytes"))
        peaks = map(readable_size, column(here, "peak_rss_bytes"))
        lines.append([f"{context:,}", *times, *states, *peaks])
    return table(head, lines)
