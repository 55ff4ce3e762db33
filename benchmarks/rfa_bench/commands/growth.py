"""`rfa-bench growth`: time and memory of the training form against length."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rfa_bench import measurements
from rfa_bench.commands.provider import check_torch
from rfa_bench.tables import as_tables, distinct, readable_size, table, where
from rfa_bench.terminal import JSON, PLOT, PROVIDER, measuring, print_result

if TYPE_CHECKING:
    from rfa_bench.measurements.growth import GrowthRow

LONGEST = click.IntRange(min=4096)


@click.command(epilog="Example:  rfa-bench growth --plot growth.png")
@click.option("--longest", type=LONGEST, default=65536, show_default=True, help="Tokens of the longest text.")
@PROVIDER
@PLOT
@JSON
def growth(longest: int, provider: str, plot: Path | None, as_json: bool) -> None:
    """Time and memory of the training form from 1,024 tokens up, by doubling."""
    with measuring(plot=plot) as (_, progress):
        check_torch(provider)
        progress("measure")
        rows = measurements.growth.measure(longest, provider)
        if plot is not None:
            measurements.plots.growth(rows, plot)
    print_result({"rows": as_tables(rows)}, f"{side_by_side(rows)}\n\n{slopes(rows)}", as_json)


def side_by_side(rows: Sequence[GrowthRow]) -> str:
    """A line for each length, the systems beside each other."""
    head = ["tokens"]
    for system in distinct(rows, "system"):
        head += [f"{system} ms", f"{system} memory"]
    lines = []
    for length in distinct(rows, "context"):
        cells = [f"{length:,}"]
        for row in where(rows, context=length):
            cells += [f"{row.ms:.1f}", readable_size(row.peak_bytes)]
        lines.append(cells)
    return table(head, lines)


def slopes(rows: Sequence[GrowthRow]) -> str:
    """How fast time and memory grow."""
    said = []
    for system in distinct(rows, "system"):
        time = measurements.growth.exponent(rows, system, "ms")
        memory = measurements.growth.exponent(rows, system, "peak_bytes")
        said.append(f"{system}: exponent of time {time:.2f}, memory {memory:.2f} (1 is linear)")
    return "\n\n".join(said)
