"""`rfa-bench targets`: every target of rfa-export in every precision."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rfa_bench import measurements
from rfa_bench.commands.provider import check_provider
from rfa_bench.tables import as_tables, readable_size, table
from rfa_bench.terminal import (
    FILE,
    JSON,
    KEEP,
    LANGUAGE_SIZE,
    PROVIDER,
    THREADS,
    count_option,
    measuring,
    precisions_option,
    print_result,
)
from rfa_export.precision import precision_of
from rfa_models.checkpoints.archive import check_archive

if TYPE_CHECKING:
    from rfa_bench.measurements.targets import TargetRow

HEAD = (
    "target",
    "weights",
    "decoded by",
    "files",
    "load",
    "ms/token",
    "peak memory",
    "perplexity",
    "equal to torch",
)
WORDS = ("target", "weights", "decoded by", "equal to torch")


@click.command(epilog="Example:  rfa-bench targets --checkpoint model.pt --eval valid.txt --threads 2")
@LANGUAGE_SIZE
@click.option("--checkpoint", type=FILE, help="Measure this language model in place of a shape.")
@precisions_option("fp32,fp16,int8,int4")
@click.option("--eval", "text", type=FILE, help="Report the perplexity on this text.")
@THREADS
@PROVIDER
@count_option("--bursts", 16, "Timed bursts of 8 tokens.")
@KEEP
@JSON
def targets(
    size: str,
    checkpoint: Path | None,
    precisions: list[str],
    text: Path | None,
    threads: int,
    provider: str,
    bursts: int,
    keep: Path | None,
    as_json: bool,
) -> None:
    """Every target of rfa-export in every precision: size, time, memory, parity.

    Each target is decoded by the runtime that it was written for; with --provider cuda, there is target ort alone.
    Parity says how many choices of tokens are torch's.
    """
    with measuring(keep, files=[text]) as (folder, progress):
        if checkpoint is not None:
            check_archive(checkpoint)
        for precision in precisions:
            precision_of(precision)
        check_provider(provider)
        model = measurements.targets.model_of(size, checkpoint)
        rows = measurements.targets.measure(model, precisions, text, folder, threads, bursts, progress, provider)
    print_result({"rows": as_tables(rows)}, table_of(rows), as_json)


def table_of(rows: Sequence[TargetRow]) -> str:
    """A line for each target and precision."""
    return table(HEAD, map(cells, rows), WORDS)


def cells(row: TargetRow) -> list[str]:
    """One line of the table."""
    return [
        row.system,
        row.precision,
        row.runtime,
        readable_size(row.file_bytes),
        f"{row.load_ms:,.0f} ms",
        f"{row.ms_per_token:.3f}",
        readable_size(row.peak_rss_bytes),
        "" if row.perplexity is None else f"{row.perplexity:.4f}",
        "; ".join(f"{runtime}: {finding}" for runtime, finding in row.parity.items()),
    ]
