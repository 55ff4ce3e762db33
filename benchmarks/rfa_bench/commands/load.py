"""`rfa-bench load`: servers under load."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from rfa_bench import measurements
from rfa_bench.commands.of_bundle import ChosenBundle, of_bundle
from rfa_bench.tables import readable_size, table
from rfa_bench.terminal import count_option, measuring, print_result

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
@of_bundle
@count_option("--clients", 16, "That ask at once.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=60.0,
    show_default=True,
    help="How long; each system has its part of it.",
)
@count_option("--rounds", 3, "In each of which every system has its turn.")
@count_option("--prompt-tokens", 256, "The longest prompt.")
@count_option("--text-tokens", 128, "The longest text.")
@count_option("--compared", 32, "Texts written again by one stream alone.")
@click.option("--goodput-ttft", type=float, default=1000.0, show_default=True, help="Good texts begin so soon, in ms.")
@click.option("--goodput-tpot", type=float, default=100.0, show_default=True, help="... and go on so fast, in ms.")
@click.option("--llama-server", metavar="PROGRAM", help="llama.cpp's server, with random weights of --size.")
def load(
    chosen: ChosenBundle,
    clients: int,
    seconds: float,
    rounds: int,
    prompt_tokens: int,
    text_tokens: int,
    compared: int,
    goodput_ttft: float,
    goodput_tpot: float,
    llama_server: str | None,
) -> None:
    """Keep rfa-serve busy, in turns with the engine without HTTP.

    It serves BUNDLE, random weights of --size, or the storyteller inside.  Each client asks for a stream, reads it to
    its end, and asks for the next one.
    """
    if llama_server is not None and chosen.size is None:
        raise click.UsageError("--llama-server came without --size, the shape of its random weights")
    with measuring(chosen.keep) as (folder, progress):
        bundle = chosen.read(folder, progress)
        plan = measurements.load.LoadPlan(
            clients,
            seconds,
            chosen.threads,
            compared,
            prompt_tokens,
            text_tokens,
            rounds,
            chosen.provider,
            goodput_ttft,
            goodput_tpot,
        )
        llama = None
        if llama_server is not None and chosen.size is not None:
            progress("write a GGUF file")
            llama = (llama_server, measurements.load.random_gguf(chosen.size, folder, chosen.weights))
        found = measurements.load.measure(bundle, plan, llama, progress)
    text = (
        f"{table(HEAD, map(cells, found.rows), words=('system',))}\n\n"
        f"{found.compared} texts of rfa-serve written again by one stream alone, {found.other_texts} others"
    )
    print_result(asdict(found), text, chosen.as_json)


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
