"""`rfa-inspect DIR`: the command line that looks into bundles.

It imports nothing heavy by itself: names of the package load their modules when they are used.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

import rfa_export
from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.bundle.interface import LANGUAGE_MODEL
from rfa_runtime.ending import in_one_line
from rfa_runtime.errors import RfaRuntimeError
from rfa_runtime.interrupt import ending_at_once


@click.command(epilog="Example:  rfa-inspect model.rfa")
@click.argument("bundle", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
@click.version_option(rfa_export.__version__)
def main(bundle: Path, as_json: bool) -> None:
    """Show what DIR, a bundle of rfa-export, holds: graphs, operators, bytes, state, and what was verified of it."""
    with in_one_line(RfaRuntimeError):
        read = read_bundle(bundle)
        with ending_at_once():
            inspect_bundle = rfa_export.inspect_bundle
        show(inspect_bundle(read), as_json)


def show(found: rfa_export.Inspection, as_json: bool) -> None:
    """Print what was found, for people or as one JSON object."""
    if as_json:
        print(json.dumps(found.as_table()))
        return
    console = Console()
    for part in pages(found):
        console.print(part, soft_wrap=isinstance(part, str), highlight=False)


def pages(found: rfa_export.Inspection) -> Iterator[Table | str]:
    """The parts of the report for people, from top to bottom."""
    yield f"{found.bundle}: {found.task}, vocabulary {found.vocab_size:,}, written by {found.producer}"
    yield from text_lines(found)
    yield from map(graph_lines, found.graphs)
    yield sizes_table(found)
    yield f"state of one stream: {found.state_bytes:,} bytes in {len(found.states)} tensors"
    yield parity_table(found)
    if found.conversion:
        yield from conversion_pages(found.conversion)


def text_lines(found: rfa_export.Inspection) -> Iterator[str]:
    """What the bundle says of texts: where they begin and end, how tokens are chosen, and the exporter's notes."""
    special = {name: ids for name, ids in found.special_ids.items() if ids not in (None, ())}
    yield f"special tokens: {joined(special, ' ') or 'none'}"
    if found.task == LANGUAGE_MODEL:
        yield f"sampling: {joined(found.sampling, ' ') or 'the most likely token'}"
    for note in found.notes:
        yield f"note: {note}"


def graph_lines(graph: rfa_export.GraphFacts) -> str:
    """One graph, in three lines."""
    title = f"{graph.role}: {graph.file} for {graph.target}"
    if graph.opsets:
        title += f", {joined(graph.opsets, ' ')}; {joined(graph.providers, ': ')}"
    lines = [title, f"  {', '.join(graph.inputs)} -> {', '.join(graph.outputs)}"]
    if graph.operators:
        lines.append(f"  {operators_line(graph.operators)}")
    return "\n".join(lines)


def joined(table: Mapping[str, object], between: str) -> str:
    """Keys and values in one line."""
    return ", ".join(f"{key}{between}{value}" for key, value in table.items())


def operators_line(operators: dict[str, int]) -> str:
    """How many nodes there are, in all and of each kind."""
    kinds = [f"{count} {name.removeprefix('com.microsoft::')}" for name, count in operators.items()]
    return f"{sum(operators.values())} nodes: {', '.join(kinds)}"


def sizes_table(found: rfa_export.Inspection) -> Table:
    """Bytes by file, and of the weights by type."""
    table = Table("part", "bytes", title="Sizes")
    table.columns[1].justify = "right"
    for name, size in found.bytes.items():
        table.add_row(name, f"{size:,}")
    for kind, size in found.weight_bytes.items():
        table.add_row(f"  of the weights, {kind}", f"{size:,}")
    return table


def parity_table(found: rfa_export.Inspection) -> Table:
    """A row for each runtime that was asked."""
    table = Table("target", "runtime", "choices equal", "largest error", title="Verified against torch in float64")
    for target, first in found.parity.items():
        for one in reports_of(first):
            table.add_row(target, *parity_cells(one))
    return table


def reports_of(first: Any) -> list[dict[str, Any]]:
    """The reports of a target's runtimes.  No reader has checked them in the manifest: what is none is left out."""
    if not isinstance(first, dict):
        return []
    others = first.get("others")
    every = [first, *others] if isinstance(others, list) else [first]
    return [one for one in every if isinstance(one, dict)]


def parity_cells(one: dict[str, Any]) -> tuple[str, str, str]:
    """What one runtime computed, as it stands in the manifest."""
    runtime = str(one.get("runtime"))
    if not one.get("checked", True):
        return runtime, f"not checked: {one.get('reason')}", ""
    equal = f"{one.get('tokens_equal')} of {one.get('tokens_compared')}"
    error = one.get("max_abs_error")
    shown = f"{error:.1e}" if isinstance(error, float) else str(error)
    return runtime, equal, shown


def conversion_pages(report: Mapping[str, Any]) -> Iterator[Table | str]:
    """How good a converted model is beside its teacher, as it stands in the manifest, which no reader has checked."""
    table = Table("text", "tokens", "teacher's perplexity", "perplexity", "ratio", title="Beside its teacher")
    for row in rows_of(report.get("lengths")) + rows_of(report.get("texts")):
        figures = [str(row.get(key)) for key in ("tokens", "teacher_perplexity", "perplexity", "ratio")]
        table.add_row(str(row.get("name", "the teacher's")), *figures)
    yield table
    controls = report.get("controls")
    without = joined(controls, ": ") if isinstance(controls, dict) else "none"
    yield f"converted from {report.get('teacher')} with {report.get('tokens')} tokens; controls: {without}"


def rows_of(value: object) -> list[dict[str, Any]]:
    """The tables of a list; what is none is left out."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


if __name__ == "__main__":
    main()
