"""`rfa-bench scale`: one process against several on the same cores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rfa_bench import measurements
from rfa_bench.tables import as_tables, table
from rfa_bench.terminal import JSON, count_option, lengths_option, measuring, print_result
from rfa_runtime.threads import usable_cores

if TYPE_CHECKING:
    from rfa_bench.measurements.scale import ScaleRow

HEAD = ("work", "processes", "threads each", "a second", "ratio")


@click.command(epilog="Example:  rfa-bench scale --processes 1,2,4")
@lengths_option("--processes", "1,2", "Numbers of processes, with commas.")
@count_option("--cores", usable_cores(), "Shared by the processes.")
@count_option("--steps", 30, "Of a training.")
@count_option("--lines", 2000, "Of the file.")
@count_option("--rounds", 3, "Turns of each number of processes.")
@JSON
def scale(processes: list[int], cores: int, steps: int, lines: int, rounds: int, as_json: bool) -> None:
    """Train a small model, and continue the lines of a file, in one process and in several on the same cores."""
    with measuring() as (folder, progress):
        rows = measurements.scale.measure(processes, cores, steps, lines, rounds, folder, progress)
    print_result({"rows": as_tables(rows)}, table(HEAD, map(cells, rows), words=("work",)), as_json)


def cells(row: ScaleRow) -> list[str]:
    """A line of the table."""
    unit = "tokens" if row.work == "training" else "lines"
    return [row.work, str(row.processes), str(row.threads), f"{row.per_s:,.0f} {unit}", f"{row.ratio:.2f}"]
