"""`rfa-bench prefill`: how fast prompts are read."""

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


@click.command(epilog="Example:  rfa-bench prefill --precision int4 --throughput --threads 2 --lengths 512,4096")
@of_systems
@lengths_option("--lengths", "512,4096,16384", "Tokens of the prompts, with commas.")
@count_option("--rounds", 3, "Readings of each prompt.")
def prefill(chosen: Chosen, lengths: list[int], rounds: int) -> None:
    """How fast prompts are read, RFA against softmax.

    `pp512` is a prompt of 512 tokens, as in llama-bench, read up to the logits behind it.
    """

    def measure(subject: Subject, systems: list[System], progress: Progress) -> list[Row]:
        plan = measurements.prefill.PrefillPlan(lengths, chosen.threads, rounds, chosen.provider)
        return measurements.prefill.measure(subject, systems, plan, progress)

    print_rows(chosen, measure)
