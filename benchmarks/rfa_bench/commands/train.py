"""`rfa-bench train`: time and memory of a step of training at growing length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from rfa_bench import measurements
from rfa_bench.subjects.shapes import TRAINED
from rfa_bench.tables import as_tables, distinct, readable_size, table, where
from rfa_bench.terminal import (
    COUNT,
    JSON,
    THREADS,
    count_option,
    lengths_option,
    measuring,
    print_result,
    size_option,
)

if TYPE_CHECKING:
    from rfa_bench.measurements.train import TrainingRow

PRECISION = click.Choice(["float32", "bfloat16"])
FIGURES = ("ms/step", "peak RSS")


@click.command(epilog="Example:  rfa-bench train --size small --threads 2")
@size_option(TRAINED, "small")
@lengths_option("--lengths", "512,1024,2048,4096,8192,16384", "Tokens of a text, with commas.")
@click.option("--longest-softmax", type=COUNT, default=16384, show_default=True, help="Beyond it, RFA alone.")
@click.option("--precision", type=PRECISION, default="float32", show_default=True, help="As in a recipe.")
@click.option("--compile", "compiled", is_flag=True, help="Train what torch.compile makes of the models.")
@THREADS
@count_option("--rounds", 3, "Steps of each system at each length.")
@JSON
def train(
    size: str,
    lengths: list[int],
    longest_softmax: int,
    precision: str,
    compiled: bool,
    threads: int,
    rounds: int,
    as_json: bool,
) -> None:
    """Time and memory of a step of training on one text, RFA against softmax.

    Softmax is torch's scaled_dot_product_attention, which keeps no weights of pairs.
    """
    with measuring() as (_, progress):
        plan = measurements.train.TrainingPlan(size, lengths, longest_softmax, precision, compiled, threads, rounds)
        rows = measurements.train.measure(plan, progress)
    print_result({"rows": as_tables(rows)}, side_by_side(rows), as_json)


def side_by_side(rows: Sequence[TrainingRow]) -> str:
    """A line for each length, the systems beside each other for each figure, then how much faster than softmax."""
    systems = distinct(rows, "system")
    others = [system for system in systems if system != "softmax"]
    head = ["tokens"]
    for figure in FIGURES:
        head += [f"{system} {figure}" for system in systems]
    head += [f"{system} speed" for system in others]
    lines = []
    for length in distinct(rows, "context"):
        here = {row.system: row for row in where(rows, context=length)}
        times = [f"{here[system].ms_per_step:,.0f}" if system in here else "" for system in systems]
        peaks = [readable_size(here[system].peak_rss_bytes) if system in here else "" for system in systems]
        speeds = [speed(here[system], here.get("softmax")) for system in others]
        lines.append([f"{length:,}", *times, *peaks, *speeds])
    return table(head, lines)


def speed(row: TrainingRow, softmax: TrainingRow | None) -> str:
    """How many times as fast as softmax, where that was measured."""
    return "" if softmax is None else f"{softmax.ms_per_step / row.ms_per_step:.2f}"
