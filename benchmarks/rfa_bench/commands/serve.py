"""`rfa-bench serve`: the server under load."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from rfa_bench import measurements
from rfa_bench.commands.provider import check_provider
from rfa_bench.terminal import COUNT, FILE, JSON, PROVIDER, THREADS, measuring, print_result
from rfa_runtime.bundle.bundle import read_bundle


@click.command(epilog="Example:  rfa-bench serve model.rfa --clients 64 --seconds 300 --threads 2")
@click.argument("bundle", type=FILE)
@click.option("--clients", type=COUNT, default=16, show_default=True, help="That ask at once.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=60.0,
    show_default=True,
    help="How long; half of it without HTTP.",
)
@click.option("--prompt-tokens", type=COUNT, default=256, show_default=True, help="The longest prompt.")
@click.option("--text-tokens", type=COUNT, default=128, show_default=True, help="The longest text.")
@click.option("--compared", type=COUNT, default=32, show_default=True, help="Texts written again by one stream alone.")
@THREADS
@PROVIDER
@JSON
def serve(
    bundle: Path,
    clients: int,
    seconds: float,
    prompt_tokens: int,
    text_tokens: int,
    compared: int,
    threads: int,
    provider: str,
    as_json: bool,
) -> None:
    """Keep rfa-serve busy with BUNDLE, in turns with the engine without HTTP.

    Each client asks for a stream, reads it to its end, and asks for the next one.
    """
    with measuring() as (_, progress):
        read = read_bundle(bundle)  # refuses it before ONNX Runtime is loaded
        check_provider(provider)
        progress(f"{clients} clients for {seconds:g} s")
        found = measurements.serve.measure(
            read, clients, seconds, threads, compared, prompt_tokens, text_tokens, provider
        )
    text = (
        f"{found.tokens_per_s:,.0f} tokens/s for {clients} clients, {found.engine_tokens_per_s:,.0f} without HTTP "
        f"({found.ratio:.3f} times)\n"
        f"{found.requests:,} texts in {found.seconds:g} s, {found.lost} lost; of {found.compared} that were written "
        f"again by one stream alone {found.other_texts} others\n"
        f"to the first token {found.ttft_ms_p50:,.0f} ms (p99 {found.ttft_ms_p99:,.0f}), from token to token "
        f"{found.itl_ms_p50:.1f} ms (p99 {found.itl_ms_p99:.1f})\n"
        f"resident memory {found.rss_settled / 1e6:.1f} MB after a round, {found.rss_at_end / 1e6:.1f} MB at the end"
    )
    print_result(asdict(found), text, as_json)
