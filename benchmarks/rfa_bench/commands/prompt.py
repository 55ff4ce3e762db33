"""`rfa-bench prompt`: how fast prompts are read, and texts scored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rfa_bench import measurements
from rfa_bench.tables import as_tables, distinct, readable_size, table, where
from rfa_bench.terminal import (
    BLOCK_SIZE,
    BUNDLE,
    JSON,
    KEEP,
    LANGUAGE_SIZE,
    PRECISION,
    THREADS,
    THROUGHPUT,
    count_option,
    lengths_option,
    measuring,
    print_result,
)
from rfa_export.targets.export_config import ExportConfig
from rfa_runtime.bundle.bundle import read_bundle

if TYPE_CHECKING:
    from rfa_bench.measurements.prompt import PromptRow

FIGURES = ("tokens/s", "first token", "peak RSS")
SCORED_HELP = "Bytes of a text to score; 0 for none."


@click.command(epilog="Example:  rfa-bench prompt --size gpt2-small --precision int4 --threads 2")
@LANGUAGE_SIZE
@BUNDLE
@PRECISION
@BLOCK_SIZE
@THROUGHPUT
@lengths_option("--lengths", "512,4096,16384", "Tokens of the prompts, with commas.")
@click.option("--scored", type=click.IntRange(min=0), default=16384, show_default=True, help=SCORED_HELP)
@THREADS
@count_option("--rounds", 3, "Readings of each text.")
@KEEP
@JSON
def prompt(
    size: str,
    bundle: Path | None,
    precision: str,
    block_size: int | None,
    throughput: bool,
    lengths: list[int],
    scored: int,
    threads: int,
    rounds: int,
    keep: Path | None,
    as_json: bool,
) -> None:
    """How fast prompts are read and texts scored, RFA against softmax.

    `pp512` is a prompt of 512 tokens, read up to the first new token.  `score` is what rfa-run does for --score: the
    logits of every position.  A bundle is measured by itself.
    """
    with measuring(keep) as (folder, progress):
        weights = ExportConfig(precision=precision, block_size=block_size, throughput=throughput)
        if bundle is None:
            progress("export")
            bundles = measurements.prompt.twins_of_shape(size, folder, weights)
        else:
            read_bundle(bundle)  # refuses it before ONNX Runtime is loaded
            bundles = {bundle.name: bundle}
        plan = measurements.prompt.PromptPlan(lengths, scored, threads, rounds)
        rows = measurements.prompt.measure(bundles, weights.label, plan, progress)
    print_result({"rows": as_tables(rows)}, side_by_side(rows), as_json)


def side_by_side(rows: Sequence[PromptRow]) -> str:
    """A line for each text, the systems beside each other."""
    head = ["test"]
    for system in distinct(rows, "system"):
        head += [f"{system} {figure}" for figure in FIGURES]
    lines = []
    for test in distinct(rows, "test"):
        cells = [test]
        for row in where(rows, test=test):
            cells += figures(row)
        lines.append(cells)
    return table(head, lines, words=("test",))


def figures(row: PromptRow) -> list[str]:
    """The cells of one row."""
    first = "" if row.ttft_s is None else f"{row.ttft_s:.2f} s"
    return [f"{row.tokens_per_s:,.0f}", first, readable_size(row.peak_rss_bytes)]
