"""`rfa-bench paper`: the paper's figure of decoding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rfa_bench import measurements
from rfa_bench.subjects.shapes import TRANSLATORS
from rfa_bench.tables import as_tables, readable_size, table
from rfa_bench.terminal import (
    JSON,
    KEEP,
    PLOT,
    THREADS,
    count_option,
    lengths_option,
    measuring,
    print_result,
    size_option,
)

if TYPE_CHECKING:
    from rfa_bench.measurements.paper import Claim, PaperRow

HEAD = ("attention", "tokens", "ms/token", "softmax / this", "keeps", "of softmax's bytes")
CLAIMS = ("claim", "paper", "here", "reached")


@click.command(epilog="Example:  rfa-bench paper --threads 2 --plot paper.png")
@size_option(TRANSLATORS, "base")
@lengths_option("--lengths", "32,128,512,2048", "Tokens of source and target, with commas.")
@count_option("--batch", 16, "Texts side by side.")
@THREADS
@count_option("--rounds", 5, "Turns of all systems.")
@count_option("--burst", 8, "Steps of one system in a turn.")
@PLOT
@KEEP
@JSON
def paper(
    size: str,
    lengths: list[int],
    batch: int,
    threads: int,
    rounds: int,
    burst: int,
    plot: Path | None,
    keep: Path | None,
    as_json: bool,
) -> None:
    """Speed and memory of translation against length: Gaussian, arc-cosine, gated, softmax.

    In the layout of the paper's figure, beside its numbers.
    """
    with measuring(keep, plot) as (folder, progress):
        progress("export")
        bundles = measurements.paper.bundles_of_shape(size, folder)
        rows = measurements.paper.measure(bundles, lengths, batch, threads, rounds, burst, progress)
        claims = measurements.paper.claims_of(rows)
        if plot is not None:
            measurements.plots.paper(rows, f"translator of size {size}, batch {batch}, {threads} thread(s)", plot)
    text = f"{rows_table(rows)}\n\n{claims_table(claims)}"
    print_result({"rows": as_tables(rows), "claims": list(map(asdict, claims))}, text, as_json)


def rows_table(rows: Sequence[PaperRow]) -> str:
    """A line for each kind of attention and length."""
    lines = []
    for row in rows:
        times = [f"{row.ms_per_token:.2f}", f"{row.speedup:.2f}"]
        lines.append(
            [row.system, f"{row.context:,}", *times, readable_size(row.state_bytes), f"{row.memory_share:.1%}"]
        )
    return table(HEAD, lines, words=("attention",))


def claims_table(claims: Sequence[Claim]) -> str:
    """A line for each claim of the paper."""
    lines = [[claim.words, claim.paper, claim.here, "yes" if claim.reached else "no"] for claim in claims]
    return table(CLAIMS, lines, words=CLAIMS)
