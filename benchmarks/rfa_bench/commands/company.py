"""`rfa-bench company`: what a text notices of others."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from rfa_bench import measurements
from rfa_bench.commands.provider import check_provider
from rfa_bench.terminal import COUNT, FILE, JSON, PROVIDER, THREADS, measuring, print_result
from rfa_runtime.bundle.bundle import read_bundle


@click.command(epilog="Example:  rfa-bench company model.rfa --streams 8 --held 1000 --threads 2")
@click.argument("bundle", type=FILE)
@click.option("--streams", type=COUNT, default=8, show_default=True, help="Texts that are written.")
@click.option("--prompt-tokens", type=COUNT, default=8192, show_default=True, help="Of a prompt that comes meanwhile.")
@click.option("--held", type=COUNT, default=1000, show_default=True, help="Texts that are held at once in the end.")
@THREADS
@PROVIDER
@JSON
def company(
    bundle: Path, streams: int, prompt_tokens: int, held: int, threads: int, provider: str, as_json: bool
) -> None:
    """What a text written with BUNDLE notices of others in the same engine.

    Pauses while a long prompt is read, the time until a cancelled text is over, the time to the first token behind a
    prompt that was read before, and the memory of many texts.
    """
    with measuring() as (_, progress):
        read = read_bundle(bundle)  # refuses it before ONNX Runtime is loaded
        check_provider(provider)
        progress(f"{streams} texts, a prompt of {prompt_tokens:,} tokens, {held:,} texts at once")
        found = measurements.company.measure(read, streams, prompt_tokens, held, threads, provider)
    text = (
        f"from token to token {found.steady_p95_ms:.2f} ms (p95 of {found.streams} texts), while a prompt of "
        f"{found.prompt_tokens:,} tokens is read {found.beside_p95_ms:.2f} ms ({found.beside_ratio:.2f} times)\n"
        f"cancelled after {found.cancel_ms:.2f} ms and {found.tokens_after_cancel} tokens\n"
        f"first token behind 2,048 tokens after {found.ttft_s:.3f} s, behind the same again "
        f"{found.repeated_ttft_s:.4f} s\n"
        f"{found.held:,} texts take {found.held_bytes / 1e6:,.1f} MB, by the manifest "
        f"{found.held_expected_bytes / 1e6:,.1f} MB"
    )
    print_result(asdict(found), text, as_json)
