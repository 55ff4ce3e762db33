"""`rfa-bench memory`: what decoding takes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rfa_bench import measurements
from rfa_bench.commands.of_systems import Chosen, of_systems, print_rows
from rfa_bench.terminal import BATCH, Progress, lengths_option

if TYPE_CHECKING:
    from rfa_bench.systems.row import Row
    from rfa_bench.systems.subject import Subject
    from rfa_bench.systems.system import System


@click.command(epilog="Example:  rfa-bench memory --precision int4 --depths 128,16384")
@of_systems
@lengths_option("--depths", "128,2048,8192", "Tokens of context, with commas.")
@BATCH
def memory(chosen: Chosen, depths: list[int], batch: int) -> None:
    """The most memory that decoding takes behind growing contexts, RFA against softmax."""

    def measure(subject: Subject, systems: list[System], progress: Progress) -> list[Row]:
        return measurements.memory.measure(subject, systems, depths, batch, chosen.threads, chosen.provider, progress)

    print_rows(chosen, measure)
