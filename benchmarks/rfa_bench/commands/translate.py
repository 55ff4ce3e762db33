"""`rfa-bench translate`: time per target token at growing source and target."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rfa_bench import measurements
from rfa_bench.commands.provider import check_provider
from rfa_bench.processes.ask import ProbeError
from rfa_bench.subjects.shapes import TRANSLATORS
from rfa_bench.tables import as_tables, distinct, readable_size, table, where
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
from rfa_export.errors import TargetError

if TYPE_CHECKING:
    from rfa_bench.measurements.translate import TranslationRow

RFA = "rfa"


@click.command(epilog="Example:  rfa-bench translate --batch 16 --threads 2 --plot translation.png")
@size_option(TRANSLATORS, "base")
@lengths_option("--sources", "32,512,2048", "Tokens of the source, with commas.")
@lengths_option("--targets", "32,128,512,2048", "Tokens of the target, with commas.")
@BATCH
@THREADS
@PROVIDER
@count_option("--rounds", 5, "Turns of all systems.")
@count_option("--burst", 8, "Steps of one system in a turn.")
@click.option("--ctranslate2", is_flag=True, help="Measure softmax in CTranslate2 too, once ours are measured.")
@PLOT
@KEEP
@JSON
def translate(
    size: str,
    sources: list[int],
    targets: list[int],
    batch: int,
    threads: int,
    provider: str,
    rounds: int,
    burst: int,
    ctranslate2: bool,
    plot: Path | None,
    keep: Path | None,
    as_json: bool,
) -> None:
    """Time per target token of a translator, RFA against the best softmax.

    Sources and targets grow.  Both systems have one shape, and are exported the same way.
    """
    with measuring(keep, plot) as (folder, progress):
        check_provider(provider)
        plan = measurements.translate.TranslationPlan(sources, targets, batch, threads, rounds, burst, provider)
        progress("export")
        bundles = measurements.translate.twins_of_shape(size, folder)
        rows = measurements.translate.measure(bundles, plan, progress)
        not_measured = {}
        if ctranslate2:
            try:
                rows += measurements.ctranslate2.measure(size, folder, plan, progress)
            except (TargetError, ProbeError) as error:
                not_measured["ctranslate2"] = str(error)
        if plot is not None:
            title = f"translator of size {size}, batch {batch}, {threads} thread(s), {provider}"
            measurements.plots.translate(rows, title, plot)
    lines = [side_by_side(rows), *(f"{system}: {reason}" for system, reason in not_measured.items())]
    print_result({"rows": as_tables(rows), "not_measured": not_measured}, "\n\n".join(lines), as_json)


def side_by_side(rows: Sequence[TranslationRow]) -> str:
    """A line for each pair of lengths, the systems beside each other, and how much faster RFA is than each."""
    systems = distinct(rows, "system")
    others = [system for system in systems if system != RFA]
    head = ["source", "target", *(f"{system} ms/token" for system in systems), *(f"{other} / rfa" for other in others)]
    head += [f"{system} state" for system in systems]
    lines = []
    for source in distinct(rows, "source"):
        for target in distinct(rows, "target"):
            here = {row.system: row for row in where(rows, source=source, target=target)}
            cells = [f"{source:,}", f"{target:,}"]
            cells += [f"{here[system].ms_per_token:.2f}" for system in systems]
            cells += [f"{here[other].ms_per_token / here[RFA].ms_per_token:.2f}" for other in others]
            cells += [readable_size(here[system].state_bytes) for system in systems]
            lines.append(cells)
    return table(head, lines)
