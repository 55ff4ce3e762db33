"""`rfa-bench growth`: time and memory of the training form against length."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rfa_bench import measurements
from rfa_bench.commands.provider import check_torch
from rfa_bench.tables import as_tables, distinct, readable_size, table
from rfa_bench.terminal import JSON, PLOT, PROVIDER, measuring, print_result

if TYPE_CHECKING:
    from rfa_bench.measurements.growth import Growth

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
        sweeps = measurements.growth.measure(longest, provider)
        if plot is not None:
            measurements.plots.growth(sweeps, plot)
    found = {name: as_tables(rows) for name, rows in sweeps.items()}
    print_result(found, f"{side_by_side(sweeps)}\n\n{slopes(sweeps)}", as_json)


def side_by_side(sweeps: dict[str, list[Growth]]) -> str:
    """A line for each length, the sweeps beside each other."""
    head = ["tokens"]
    for name in sweeps:
        head += [f"{name} ms", f"{name} memory"]
    lines = []
    for row_of_each in zip(*sweeps.values(), strict=True):
        (length,) = distinct(row_of_each, "length")
        cells = [f"{length:,}"]
        for row in row_of_each:
            cells += [f"{row.seconds * 1e3:.1f}", readable_size(row.bytes)]
        lines.append(cells)
    return table(head, lines)


def slopes(sweeps: dict[str, list[Growth]]) -> str:
    """How fast time and memory grow."""
    said = []
    for name, rows in sweeps.items():
        time = measurements.growth.exponent(rows, "seconds")
        memory = measurements.growth.exponent(rows, "bytes")
        said.append(f"{name}: exponent of time {time:.2f}, memory {memory:.2f} (1 is linear)")
    return "\n\n".join(said)
