"""`rfa-bench operators`: where the time of a step, a prompt or a batch goes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rfa_bench import measurements
from rfa_bench.tables import as_tables, table
from rfa_bench.terminal import (
    BATCH,
    BLOCK_SIZE,
    BUNDLE,
    JSON,
    KEEP,
    LANGUAGE_SIZE,
    PRECISION,
    THREADS,
    THROUGHPUT,
    count_option,
    measuring,
    print_result,
)
from rfa_export.targets.export_config import ExportConfig
from rfa_runtime.bundle.bundle import read_bundle

if TYPE_CHECKING:
    from rfa_bench.measurements.operators import Operators

SHAPES_HELP = "Tell apart an operator's first input and output."


@click.command(epilog="Example:  rfa-bench operators --precision int4 --tokens 512 --threads 2")
@LANGUAGE_SIZE
@BUNDLE
@PRECISION
@BLOCK_SIZE
@THROUGHPUT
@count_option("--tokens", 1, "Of each text in a call: 1 is a step, 512 a chunk of a prompt.")
@BATCH
@THREADS
@count_option("--calls", 20, "That are measured.")
@click.option("--shapes", is_flag=True, help=SHAPES_HELP)
@KEEP
@JSON
def operators(
    size: str,
    bundle: Path | None,
    precision: str,
    block_size: int | None,
    throughput: bool,
    tokens: int,
    batch: int,
    threads: int,
    calls: int,
    shapes: bool,
    keep: Path | None,
    as_json: bool,
) -> None:
    """Where the time of one call goes, by operator: of a step, a prompt or a batch.

    The runtime itself loads and calls the graph, with the settings that it always has, under ONNX Runtime's profiler.
    """
    with measuring(keep) as (folder, progress):
        weights = ExportConfig(precision=precision, block_size=block_size, throughput=throughput)
        if bundle is None:
            progress("export")
            bundle = measurements.operators.bundle_of_shape(size, folder, weights)
            name = f"{size}, {weights.label}"
        else:
            read_bundle(bundle)  # refuses it before ONNX Runtime is loaded
            name = bundle.name
        progress("measure")
        plan = measurements.operators.OperatorPlan(tokens, batch, threads, calls, shapes)
        found = measurements.operators.measure(bundle, plan)
    what = f"{name}: {tokens:,} token(s) of {batch} text(s), {threads} thread(s), {', '.join(found.graphs)}"
    result = {
        "system": "rfa",
        "precision": weights.label,
        "tokens": tokens,
        "batch": batch,
        "threads": threads,
        "graphs": found.graphs,
        "call_ms": found.call_ms,
        "profiled_ms": found.profiled_ms,
        "rows": as_tables(found.rows),
    }
    print_result(result, f"{what}\n\n{table_of(found)}\n\n{times_of(found)}", as_json)


def table_of(found: Operators) -> str:
    """A line for each operator."""
    lines = []
    for row in found.rows:
        nodes = str(row.nodes or "")
        lines.append([row.operator, nodes, f"{row.ms:.3f}", f"{row.share:.1%}"])
    return table(("operator", "nodes", "ms", "share"), lines, words=("operator",))


def times_of(found: Operators) -> str:
    """The whole call, with and without the profiler."""
    return f"a call takes {found.call_ms:.3f} ms, {found.profiled_ms:.3f} ms under the profiler"
