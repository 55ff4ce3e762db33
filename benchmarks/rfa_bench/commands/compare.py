"""`rfa-bench compare`: two checkouts of this project, in turns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from rfa_bench.checkouts.checkout import Checkout
from rfa_bench.checkouts.plan import Plan, cases_of, weights_named
from rfa_bench.checkouts.results import AFTER, BEFORE, CompareRow, MemoryRow
from rfa_bench.checkouts.turns import in_all_settings
from rfa_bench.tables import as_tables, readable_size, table
from rfa_bench.terminal import (
    FOLDER,
    JSON,
    KEEP,
    LANGUAGE_SIZE,
    count_option,
    lengths_option,
    measuring,
    precisions_option,
    print_result,
)

BYTES = click.IntRange(min=0)
SCORED_HELP = "Bytes of a text to score; 0 for none."
CLASSIFIED_HELP = "Bytes of a text to classify; 0 for none."
HEAD = ("test", "weights", "threads", "before ms", "after ms", "after / before", "lowest", "highest")
MEMORY_HEAD = ("peak memory", "weights", "threads", "before", "after", "after / before")
WORDS = ("test", "weights", "peak memory")


@click.command(epilog="Example:  rfa-bench compare ../before . --precisions fp32,int4 --threads 1,2 --keep kept")
@click.argument("before", type=FOLDER)
@click.argument("after", type=FOLDER)
@LANGUAGE_SIZE
@precisions_option("fp32,int4")
@lengths_option("--threads", "1,2", "CPU threads of a step, with commas.")
@lengths_option("--prompts", "512,4096,16384", "Tokens of the prompts, with commas.")
@lengths_option("--batches", "1,4,16,64", "Texts side by side, with commas.")
@count_option("--context", 2048, "Tokens that each text of a batch has read.")
@click.option("--scored", type=BYTES, default=8192, show_default=True, help=SCORED_HELP)
@click.option("--classified", type=BYTES, default=65536, show_default=True, help=CLASSIFIED_HELP)
@count_option("--starts", 2, "Of each process.")
@count_option("--rounds", 3, "Turns after each start.")
@KEEP
@JSON
def compare(
    before: Path,
    after: Path,
    size: str,
    precisions: list[str],
    threads: list[int],
    prompts: list[int],
    batches: list[int],
    context: int,
    scored: int,
    classified: int,
    starts: int,
    rounds: int,
    keep: Path | None,
    as_json: bool,
) -> None:
    """Time and memory of the checkouts BEFORE and AFTER a change, in turns.

    Each exports its own bundles and runs them with its own runtime: prompts, steps of batches, a text that is scored
    and one that is classified.  Each ratio is the median of pairs of bursts that stood side by side; lowest and highest
    say how far the pairs lie apart.  A precision is a name, int4-64 for blocks of 64 weights, or int4-throughput,
    which a checkout without such graphs takes for int4.
    """
    with measuring(keep) as (folder, progress):
        checkouts = {BEFORE: Checkout(before), AFTER: Checkout(after)}
        cases = cases_of(prompts, batches, scored, classified)
        weights = list(map(weights_named, precisions))
        plan = Plan(size, cases, weights, threads, context, starts, rounds)
        rows, memory = in_all_settings(checkouts, plan, folder, progress)
    found = {"rows": as_tables(rows), "memory": as_tables(memory)}
    print_result(found, f"{times_of(rows)}\n\n{peaks_of(memory)}", as_json)


def times_of(rows: Sequence[CompareRow]) -> str:
    """A line for each test in each setting."""
    lines = []
    for row in rows:
        setting = [row.test, row.precision, str(row.threads)]
        times = [f"{row.before_ms:,.3f}", f"{row.after_ms:,.3f}"]
        ratios = [f"{row.ratio:.3f}", f"{row.lowest:.3f}", f"{row.highest:.3f}"]
        lines.append([*setting, *times, *ratios])
    return table(HEAD, lines, WORDS)


def peaks_of(rows: Sequence[MemoryRow]) -> str:
    """A line for each process in each setting."""
    lines = []
    for row in rows:
        sizes = [readable_size(row.before_peak_rss_bytes), readable_size(row.after_peak_rss_bytes)]
        lines.append([row.model, row.precision, str(row.threads), *sizes, f"{row.ratio:.3f}"])
    return table(MEMORY_HEAD, lines, WORDS)
