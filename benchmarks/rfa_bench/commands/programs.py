"""`rfa-bench programs`: rfa-run beside the programs outside Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rfa_bench import measurements
from rfa_bench.tables import as_tables, readable_size, table
from rfa_bench.terminal import FILE, JSON, count_option, measuring, print_result
from rfa_runtime.bundle.bundle import read_bundle, shipped_bundle

if TYPE_CHECKING:
    from rfa_bench.measurements.programs import ProgramRow

CPP = Path("build/cpp")
WEB = Path("runtime/web")
HEAD = ("program", "size", "ONNX Runtime", "first token ms", "tokens/s", "memory, short", "memory, long")


@click.command(epilog="Example:  rfa-bench programs --tokens 100000")
@click.argument("bundle", type=FILE, required=False)
@click.option("--cpp", type=FILE, default=CPP, show_default=True, help="Where make cpp has put its programs.")
@click.option("--web", type=FILE, default=WEB, show_default=True, help="Where make web has put its packages.")
@count_option("--tokens", 100_000, "Of the long text.")
@JSON
def programs(bundle: Path | None, cpp: Path, web: Path, tokens: int, as_json: bool) -> None:
    """Start rfa-run, the C++ program and the browser package in Node on BUNDLE, or the storyteller inside."""
    with measuring() as (_, progress):
        found = read_bundle(bundle or shipped_bundle())
        known = measurements.programs.programs(cpp, web)
        rows = measurements.programs.measure(found.path, known, tokens, progress)
    print_result({"rows": as_tables(rows)}, table(HEAD, map(cells, rows), words=("program",)), as_json)


def cells(row: ProgramRow) -> list[str]:
    """A line of the table."""
    if row.reason is not None:
        return [row.program, row.reason, "", "", "", "", ""]
    return [
        row.program,
        readable_size(row.program_bytes or 0),
        readable_size(row.onnxruntime_bytes or 0),
        f"{row.first_token_ms:.0f}",
        f"{row.avg_ts:,.0f}",
        readable_size(row.few_peak_rss_bytes or 0),
        readable_size(row.peak_rss_bytes or 0),
    ]
