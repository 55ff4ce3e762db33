"""`rfa-bench page`: the browser package in Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rfa_bench import measurements
from rfa_bench.commands.programs import WEB
from rfa_bench.tables import as_tables, readable_size, table
from rfa_bench.terminal import FILE, JSON, count_option, measuring, print_result
from rfa_runtime.bundle.bundle import read_bundle, shipped_bundle

if TYPE_CHECKING:
    from rfa_bench.measurements.page import PageRow

HEAD = ("cache", "ready ms", "first token ms", "tokens", "tokens/s", "memory, 10 tokens", "memory, all")


@click.command(epilog="Example:  rfa-bench page --tokens 20000")
@click.argument("bundle", type=FILE, required=False)
@click.option("--web", type=FILE, default=WEB, show_default=True, help="Where make web has put its packages.")
@count_option("--tokens", 20_000, "Of the long text.")
@JSON
def page(bundle: Path | None, web: Path, tokens: int, as_json: bool) -> None:
    """Open the example page in Chromium twice, and let BUNDLE write in it, or the storyteller inside."""
    with measuring() as (_, progress):
        found = read_bundle(bundle or shipped_bundle())
        rows = measurements.page.measure(web, found.path, tokens, progress)
    print_result({"rows": as_tables(rows)}, table(HEAD, map(cells, rows), words=("cache",)), as_json)


def cells(row: PageRow) -> list[str]:
    """A line of the table."""
    return [
        row.cache,
        f"{row.ready_ms:,.0f}",
        f"{row.first_token_ms:,.0f}",
        f"{row.tokens:,}",
        f"{row.avg_ts:,.0f}",
        readable_size(row.few_renderer_bytes),
        readable_size(row.renderer_bytes),
    ]
