"""`rfa-inspect DIR`: the command line that looks into bundles."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from rfa_export.commands.inspection import GraphFacts, Inspection, inspect_bundle
from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.errors import RfaRuntimeError


@click.command(epilog="Example:  rfa-inspect model.rfa")
@click.argument("bundle", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
def main(bundle: Path, as_json: bool) -> None:
    """Show what DIR, a bundle of rfa-export, holds: graphs, operators, bytes, state, and what was verified of it."""
    try:
        found = inspect_bundle(read_bundle(bundle))
    except (RfaRuntimeError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)
    if as_json:
        print(json.dumps(found.as_table()))
        return
    console = Console()
    for part in pages(found):
        console.print(part, soft_wrap=isinstance(part, str), highlight=False)


def pages(found: Inspection) -> Iterator[Table | str]:
    """For people."""
    yield f"{found.bundle}: {found.task}, vocabulary {found.vocab_size:,}, written by {found.producer}"
    yield from map(graph_lines, found.graphs)
    yield sizes_table(found)
    yield f"state of one stream: {found.state_bytes:,} bytes in {len(found.states)} tensors"
    yield parity_table(found)


def graph_lines(graph: GraphFacts) -> str:
    """One graph, in three lines."""
    opsets = ", ".join(f"{domain} {version}" for domain, version in graph.opsets.items())
    runs = ", ".join(f"{name}: {said}" for name, said in graph.providers.items())
    operators = ", ".join(f"{count} {name.removeprefix('com.microsoft::')}" for name, count in graph.operators.items())
    lines = [f"{graph.role}: {graph.file} for {graph.target}" + (f", {opsets}; {runs}" if opsets else "")]
    lines.append(f"  {', '.join(graph.inputs)} -> {', '.join(graph.outputs)}")
    if operators:
        lines.append(f"  {sum(graph.operators.values())} nodes: {operators}")
    return "\n".join(lines)


def sizes_table(found: Inspection) -> Table:
    """Bytes by file, and of the weights by type."""
    table = Table("part", "bytes", title="Sizes")
    table.columns[1].justify = "right"
    for name, size in found.bytes.items():
        table.add_row(name, f"{size:,}")
    for kind, size in found.weight_bytes.items():
        table.add_row(f"  of the weights, {kind}", f"{size:,}")
    return table


def parity_table(found: Inspection) -> Table:
    """A row for each runtime that was asked."""
    table = Table("target", "runtime", "choices equal", "largest error", title="Verified against torch in float64")
    for target, first in found.parity.items():
        for one in (first, *first.get("others", ())) if isinstance(first, dict) else ():
            table.add_row(target, *parity_cells(one))
    return table


def parity_cells(one: dict[str, Any]) -> tuple[str, ...]:
    """What one runtime said.  No reader has checked it: whatever stands there is shown as it is."""
    if one.get("checked", True):
        equal = f"{one.get('tokens_equal')} of {one.get('tokens_compared')}"
        error = one.get("max_abs_error")
        return str(one.get("runtime")), equal, f"{error:.1e}" if isinstance(error, float) else str(error)
    return str(one.get("runtime")), f"not checked: {one.get('reason')}", ""


if __name__ == "__main__":
    main()
