"""`rfa-bench operators`: where the time of a step, a prompt or a batch goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rfa_bench import measurements
from rfa_bench.commands.of_bundle import ChosenBundle, of_bundle
from rfa_bench.tables import as_tables, table
from rfa_bench.terminal import BATCH, count_option, measuring, print_result

if TYPE_CHECKING:
    from rfa_bench.measurements.operators import Operators

SHAPES_HELP = "Tell apart an operator's first input and output."


@click.command(epilog="Example:  rfa-bench operators --size gpt2-small --precision int4 --tokens 512 --threads 2")
@of_bundle
@count_option("--tokens", 1, "Of each text in a call: 1 is a step, 512 a chunk of a prompt.")
@BATCH
@count_option("--calls", 20, "That are measured.")
@click.option("--shapes", is_flag=True, help=SHAPES_HELP)
def operators(chosen: ChosenBundle, tokens: int, batch: int, calls: int, shapes: bool) -> None:
    """Where the time of one call goes, by operator: of a step, a prompt or a batch.

    The model is BUNDLE, random weights of --size, or the storyteller inside.  The runtime itself loads and calls the
    graph, with the settings that it always has, under ONNX Runtime's profiler.
    """
    with measuring(chosen.keep) as (folder, progress):
        bundle = chosen.read(folder, progress)
        progress("measure")
        plan = measurements.operators.OperatorPlan(tokens, batch, chosen.threads, calls, shapes, chosen.provider)
        found = measurements.operators.measure(bundle.path, plan)
    graphs = ", ".join(found.graphs)
    what = f"{bundle.path.name}: {tokens:,} token(s) of {batch} text(s), {chosen.threads} thread(s), {graphs}"
    result = {
        "system": "rfa",
        "precision": chosen.label,
        "tokens": tokens,
        "batch": batch,
        "threads": chosen.threads,
        "provider": chosen.provider,
        "graphs": found.graphs,
        "call_ms": found.call_ms,
        "profiled_ms": found.profiled_ms,
        "rows": as_tables(found.rows),
    }
    print_result(result, f"{what}\n\n{table_of(found)}\n\n{times_of(found)}", chosen.as_json)


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
