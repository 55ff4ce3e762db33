"""`rfa-bench report`: results as a page."""

from __future__ import annotations

from pathlib import Path

import click

from rfa_bench import measurements
from rfa_bench.terminal import FOLDER, measuring


@click.command(epilog="Example:  rfa-bench report results")
@click.argument("folder", type=FOLDER)
def report(folder: Path) -> None:
    """Write the report of the results in FOLDER again: Markdown, CSV, plots, and a page that opens offline."""
    with measuring(folder):
        page = measurements.suite.write_report(measurements.suite.read_results(folder), folder)
    print(page)
