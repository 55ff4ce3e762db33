"""`rfa-bench load`: servers under load."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rfa_bench import measurements
from rfa_bench.commands.provider import check_provider
from rfa_bench.tables import readable_size, table
from rfa_bench.terminal import (
    BLOCK_SIZE,
    COUNT,
    FILE,
    JSON,
    KEEP,
    LANGUAGE_SIZE,
    PRECISION,
    PROVIDER,
    THREADS,
    THROUGHPUT,
    count_option,
    measuring,
    print_result,
)
from rfa_export.targets.export_config import ExportConfig
from rfa_runtime.bundle.bundle import read_bundle

if TYPE_CHECKING:
    from rfa_bench.measurements.load import LoadRow

HEAD = (
    "system",
    "tokens/s",
    "to engine",
    "ttft p50 ms",
    "ttft p99 ms",
    "itl p50 ms",
    "itl p99 ms",
    "texts/s",
    "good texts/s",
    "failed",
    "memory",
)


@click.command(epilog="Example:  rfa-bench load model.rfa --clients 64 --seconds 300 --threads 2")
@click.argument("bundle", type=FILE, required=False)
@LANGUAGE_SIZE
@PRECISION
@BLOCK_SIZE
@THROUGHPUT
@click.option("--clients", type=COUNT, default=16, show_default=True, help="That ask at once.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=60.0,
    show_default=True,
    help="How long; each system has its part of it.",
)
@count_option("--rounds", 3, "In each of which every system has its turn.")
@click.option("--prompt-tokens", type=COUNT, default=256, show_default=True, help="The longest prompt.")
@click.option("--text-tokens", type=COUNT, default=128, show_default=True, help="The longest text.")
@click.option("--compared", type=COUNT, default=32, show_default=True, help="Texts written again by one stream alone.")
@click.option("--goodput-ttft", type=float, default=1000.0, show_default=True, help="Good texts begin so soon, in ms.")
@click.option("--goodput-tpot", type=float, default=100.0, show_default=True, help="... and go on so fast, in ms.")
@click.option("--llama-server", metavar="PROGRAM", help="llama.cpp's server, with random weights of --size.")
@THREADS
@PROVIDER
@KEEP
@JSON
def load(
    bundle: Path | None,
    size: str,
    precision: str,
    block_size: int | None,
    throughput: bool,
    clients: int,
    seconds: float,
    rounds: int,
    prompt_tokens: int,
    text_tokens: int,
    compared: int,
    goodput_ttft: float,
    goodput_tpot: float,
    llama_server: str | None,
    threads: int,
    provider: str,
    keep: Path | None,
    as_json: bool,
) -> None:
    """Keep rfa-serve busy, in turns with the engine without HTTP.

    It serves BUNDLE, or random weights of --size.  Each client asks for a stream, reads it to its end, and asks for the
    next one.
    """
    with measuring(keep) as (folder, progress):
        weights = ExportConfig(precision=precision, block_size=block_size, throughput=throughput)
        check_provider(provider, weights.weights)
        read = None if bundle is None else read_bundle(bundle)  # refuses it before ONNX Runtime is loaded
        plan = measurements.load.LoadPlan(
            clients,
            seconds,
            threads,
            compared,
            prompt_tokens,
            text_tokens,
            rounds,
            provider,
            goodput_ttft,
            goodput_tpot,
        )
        if read is None:
            progress("export")
            read = read_bundle(measurements.load.random_bundle(size, folder, weights))
        llama = None
        if llama_server is not None:
            progress("write a GGUF file")
            llama = (llama_server, measurements.load.random_gguf(size, folder, weights))
        found = measurements.load.measure(read, plan, llama, progress)
    text = (
        f"{table(HEAD, map(cells, found.rows), words=('system',))}\n\n"
        f"{found.compared} texts of rfa-serve written again by one stream alone, {found.other_texts} others"
    )
    print_result(asdict(found), text, as_json)


def cells(row: LoadRow) -> list[str]:
    """A line of the table."""
    return [
        row.system,
        f"{row.output_throughput:,.0f}",
        f"{row.ratio:.3f}",
        f"{row.median_ttft_ms:,.0f}",
        f"{row.p99_ttft_ms:,.0f}",
        f"{row.median_itl_ms:.1f}",
        f"{row.p99_itl_ms:.1f}",
        f"{row.request_throughput:.2f}",
        f"{row.request_goodput:.2f}",
        f"{row.failed:,}",
        f"{readable_size(row.rss_settled)}, {readable_size(row.rss_at_end)} at the end",
    ]
