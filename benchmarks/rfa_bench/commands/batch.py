"""`rfa-bench batch`: many texts at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rfa_bench import measurements
from rfa_bench.commands.of_systems import Chosen, of_systems, print_rows
from rfa_bench.terminal import Progress, count_option, lengths_option

if TYPE_CHECKING:
    from rfa_bench.systems.row import Row
    from rfa_bench.systems.subject import Subject
    from rfa_bench.systems.system import System


@click.command(epilog="Example:  rfa-bench batch --precision int4 --throughput --threads 2 --batches 1,4,16")
@of_systems
@lengths_option("--batches", "1,4,16,64", "Texts side by side, with commas.")
@count_option("--depth", 2048, "Tokens of context of each.")
@count_option("--starts", 3, "Of every system's process.")
@count_option("--rounds", 4, "Turns after each start.")
@count_option("--burst", 16, "Steps of one system in a turn.")
def batch(chosen: Chosen, batches: list[int], depth: int, starts: int, rounds: int, burst: int) -> None:
    """Time per step of many texts side by side, RFA against softmax."""

    def measure(subject: Subject, systems: list[System], progress: Progress) -> list[Row]:
        rows = []
        for rows_at_once in batches:
            plan = measurements.decode.DecodePlan(
                [depth], rows_at_once, chosen.threads, starts, rounds, burst, chosen.provider
            )
            rows += measurements.decode.measure(subject, systems, plan, progress)
        return rows

    print_rows(chosen, measure)
