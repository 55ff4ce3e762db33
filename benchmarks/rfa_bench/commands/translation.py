"""`rfa-bench translation`: time per target token at growing source and target."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rfa_bench import measurements
from rfa_bench.commands.provider import check_provider
from rfa_bench.subjects.shapes import TRANSLATORS
from rfa_bench.tables import as_tables, distinct, table, where
from rfa_bench.terminal import (
    BATCH,
    JSON,
    KEEP,
    PLOT,
    PROVIDER,
    THREADS,
    count_option,
    lengths_option,
    measuring,
    print_result,
    size_option,
)

if TYPE_CHECKING:
    from rfa_bench.measurements.translation import TranslationRow

HEAD = ("source", "target", "rfa ms/token", "softmax ms/token", "softmax / rfa", "rfa state", "softmax state")


@click.command(epilog="Example:  rfa-bench translation --batch 16 --threads 2 --plot translation.png")
@size_option(TRANSLATORS, "base")
@lengths_option("--sources", "32,512,2048", "Tokens of the source, with commas.")
@lengths_option("--targets", "32,128,512,2048", "Tokens of the target, with commas.")
@BATCH
@THREADS
@PROVIDER
@count_option("--rounds", 5, "Turns of all systems.")
@count_option("--burst", 8, "Steps of one system in a turn.")
@PLOT
@KEEP
@JSON
def translation(
    size: str,
    sources: list[int],
    targets: list[int],
    batch: int,
    threads: int,
    provider: str,
    rounds: int,
    burst: int,
    plot: Path | None,
    keep: Path | None,
    as_json: bool,
) -> None:
    """Time per target token of a translator, RFA against the best softmax.

    Sources and targets grow.  Both systems have one shape, and are exported the same way.
    """
    with measuring(keep, plot) as (folder, progress):
        check_provider(provider)
        plan = measurements.translation.TranslationPlan(sources, targets, batch, threads, rounds, burst, provider)
        progress("export")
        bundles = measurements.translation.twins_of_shape(size, folder)
        rows = measurements.translation.measure(bundles, plan, progress)
        if plot is not None:
            title = f"translator of size {size}, batch {batch}, {threads} thread(s), {provider}"
            measurements.plots.translation(rows, title, plot)
    print_result({"rows": as_tables(rows)}, side_by_side(rows), as_json)


def side_by_side(rows: Sequence[TranslationRow]) -> str:
    """A line for each pair of lengths, RFA beside softmax."""
    lines = []
    for source in distinct(rows, "source"):
        for target in distinct(rows, "target"):
            here = where(rows, source=source, target=target)
            rfa = where(here, system="rfa")[0]
            softmax = where(here, system="softmax")[0]
            cells = [f"{source:,}", f"{target:,}", f"{rfa.ms_per_token:.2f}", f"{softmax.ms_per_token:.2f}"]
            cells.append(f"{softmax.ms_per_token / rfa.ms_per_token:.2f}")
            cells.append(f"{rfa.state_bytes / 1e6:.1f} MB")
            cells.append(f"{softmax.state_bytes / 1e6:.1f} MB")
            lines.append(cells)
    return table(HEAD, lines)
