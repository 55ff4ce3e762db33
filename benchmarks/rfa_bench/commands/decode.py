"""`rfa-bench decode`: time per token behind growing contexts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rfa_bench import measurements
from rfa_bench.commands.of_systems import Chosen, of_systems, print_rows
from rfa_bench.terminal import BATCH, PLOT, Progress, count_option, lengths_option

if TYPE_CHECKING:
    from rfa_bench.systems.row import Row
    from rfa_bench.systems.subject import Subject
    from rfa_bench.systems.system import System


@click.command(epilog="Example:  rfa-bench decode --precision int4 --threads 2 --systems rfa,softmax,llama.cpp")
@of_systems
@lengths_option("--depths", "128,512,2048,8192", "Tokens of context, with commas.")
@BATCH
@count_option("--starts", 3, "Of every system's process.")
@count_option("--rounds", 4, "Turns after each start.")
@count_option("--burst", 16, "Steps of one system in a turn.")
@PLOT
def decode(
    chosen: Chosen, depths: list[int], batch: int, starts: int, rounds: int, burst: int, plot: Path | None
) -> None:
    """Time per token behind growing contexts, RFA against softmax.

    `tg64 @ d4096` writes 64 tokens behind 4,096, as in llama-bench.  All systems have one shape and take turns.
    """

    def measure(subject: Subject, systems: list[System], progress: Progress) -> list[Row]:
        plan = measurements.decode.DecodePlan(depths, batch, chosen.threads, starts, rounds, burst, chosen.provider)
        return measurements.decode.measure(subject, systems, plan, progress)

    print_rows(chosen, measure, plot)
