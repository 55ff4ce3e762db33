"""`rfa-bench all`: every measurement that counts, into one folder."""

from __future__ import annotations

from pathlib import Path

import click

from rfa_bench import measurements
from rfa_bench.terminal import FOLDER, measuring, names_of

MODELS = "models"
"""The folder inside for models, which are used again."""


def names_or_none(context: click.Context, option: click.Parameter, text: str | None) -> list[str] | None:
    """The names between commas, where there are any."""
    return None if text is None else names_of(context, option, text)


@click.command("all", epilog="Example:  rfa-bench all --quick --output results --llama-server llama-server")
@click.option("--output", "-o", type=FOLDER, required=True, help="Folder for results and the report.")
@click.option("--quick", is_flag=True, help="Everything once, in a quarter of an hour.")
@click.option("--llama-server", metavar="PROGRAM", help="llama.cpp's server, to be loaded beside ours.")
@click.option("--only", callback=names_or_none, metavar="NAME,...", help="Run these parts alone.")
@click.option("--limit", type=click.IntRange(min=1), help="Seconds after which a part is ended.")
def all_measurements(
    output: Path, quick: bool, llama_server: str | None, only: list[str] | None, limit: int | None
) -> None:
    """Run every measurement that counts, and write one report.

    Results are a JSON file for each part: called again, it goes on where it ended.  A part that fails is noted, and
    the next one runs; so is a system that is not installed.  Delete a file to measure its part again.
    """
    with measuring(output):
        suite = measurements.suite
        plan = suite.QUICK if quick else suite.FULL
        parts = suite.parts_of(plan, output.resolve() / MODELS, llama_server)
        if only is not None:
            parts = suite.only(parts, only)
        seconds = limit or (suite.QUICK_LIMIT if quick else suite.FULL_LIMIT)
        results = suite.run_all(parts, output, seconds, lambda words: click.echo(words, err=True))
        page = suite.write_report(suite.read_results(output), output)
    failed = [result.name for result in results if result.error]
    print(f"{page}: {len(results) - len(failed)} of {len(results)} parts; not done: {', '.join(failed) or 'none'}")
