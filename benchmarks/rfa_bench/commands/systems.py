"""`rfa-bench systems`: who can be measured."""

from __future__ import annotations

from dataclasses import asdict

import click

from rfa_bench import measurements
from rfa_bench.tables import table
from rfa_bench.terminal import JSON, measuring, print_result


@click.command(epilog="Example:  rfa-bench systems")
@JSON
def systems(as_json: bool) -> None:
    """List who can be measured: RFA in every runtime, and what a reader would use instead."""
    with measuring():
        found = measurements.subject.known_systems()
    lines = [[one.name, one.summary, one.missing or "yes"] for one in found]
    text = table(("system", "what it is", "here"), lines, words=("system", "what it is", "here"))
    print_result({"rows": list(map(asdict, found))}, text, as_json)
