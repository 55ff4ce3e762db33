"""`rfa-bench roofline`: a step beside the least that it can take."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rfa_bench import measurements
from rfa_bench.tables import as_tables, readable_size, table
from rfa_bench.terminal import (
    BATCH,
    BLOCK_SIZE,
    JSON,
    KEEP,
    LANGUAGE_SIZE,
    THREADS,
    count_option,
    measuring,
    precisions_option,
    print_result,
)
from rfa_export.precision import precision_of
from rfa_export.targets.export_config import ExportConfig

if TYPE_CHECKING:
    from rfa_bench.measurements.roofline import RooflineRow

HEAD = ("weights", "moved by a step", "reads at", "past all caches", "roofline ms", "measured ms", "share")


@click.command(epilog="Example:  rfa-bench roofline --size gpt2-small --precisions fp32,int4 --threads 2")
@LANGUAGE_SIZE
@precisions_option("fp32,int8,int4")
@BLOCK_SIZE
@count_option("--context", 128, "Tokens that were read before.")
@BATCH
@THREADS
@count_option("--starts", 3, "Of both processes.")
@count_option("--rounds", 5, "Turns after each start.")
@count_option("--burst", 16, "Steps in a turn.")
@KEEP
@JSON
def roofline(
    size: str,
    precisions: list[str],
    block_size: int | None,
    context: int,
    batch: int,
    threads: int,
    starts: int,
    rounds: int,
    burst: int,
    keep: Path | None,
    as_json: bool,
) -> None:
    """How close a step comes to the least that it can take, for this memory.

    A step must read its weights, and read and write its state.  How fast memory can be read is measured in turns with
    the steps, from a buffer of as many bytes, and from one that no cache holds.  Share is roofline over measured: 1 is
    as fast as memory allows.
    """
    with measuring(keep) as (folder, progress):
        wanted = [weights_of(name, block_size) for name in precisions]
        plan = measurements.decode.DecodePlan([context], batch, threads, starts, rounds, burst)
        rows = []
        for weights in wanted:
            progress(f"{weights.label}: export")
            bundle = measurements.subject.random_bundle(size, folder, weights)
            rows.append(measurements.roofline.measure(bundle, weights.label, plan, progress))
    print_result({"rows": as_tables(rows)}, f"{table_of(rows)}\n\n{buffers_of(rows)}", as_json)


def weights_of(name: str, block_size: int | None) -> ExportConfig:
    """An export in this precision, with blocks of this size where its weights have blocks."""
    blocks = block_size if precision_of(name).quantized else None
    return ExportConfig(precision=name, block_size=blocks)


def table_of(rows: Sequence[RooflineRow]) -> str:
    """A line for each precision."""
    lines = []
    for row in rows:
        moved = readable_size(row.moved_bytes)
        speeds = [f"{row.gb_per_s:.1f} GB/s", f"{row.memory_gb_per_s:.1f} GB/s"]
        times = [f"{row.roofline_ms:.3f}", f"{row.ms_per_token:.3f}"]
        lines.append([row.precision, moved, *speeds, *times, f"{row.share:.2f}"])
    return table(HEAD, lines, words=("weights",))


def buffers_of(rows: Sequence[RooflineRow]) -> str:
    """What was read, and why."""
    cache = readable_size(rows[0].cache_bytes)
    larger = readable_size(rows[0].memory_buffer_bytes)
    return (
        "The roofline is that of a buffer of the bytes that a step moves: what a cache holds of it, it holds of the\n"
        f"weights too.  Past all caches is a buffer of {larger}; the largest cache reported has {cache}, which a\n"
        "virtual machine may share."
    )
