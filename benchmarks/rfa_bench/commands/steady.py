"""`rfa-bench steady`: time and memory of a long decode, at first and at last."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from rfa_bench import measurements
from rfa_bench.commands.provider import check_provider
from rfa_bench.terminal import FILE, JSON, PROVIDER, THREADS, measuring, print_result
from rfa_runtime.bundle.bundle import read_bundle

TOKENS = click.IntRange(min=400)


@click.command(epilog="Example:  rfa-bench steady model.rfa --tokens 20000")
@click.argument("bundle", type=FILE)
@click.option("--tokens", type=TOKENS, default=20_000, show_default=True, help="Tokens to decode.")
@THREADS
@PROVIDER
@JSON
def steady(bundle: Path, tokens: int, threads: int, provider: str, as_json: bool) -> None:
    """Decode many tokens with BUNDLE: do time and memory stay as they are?

    The last steps are compared with the first, and memory at the end with memory after 100 tokens.
    """
    with measuring() as (_, progress):
        read_bundle(bundle)  # refuses it before ONNX Runtime is loaded
        check_provider(provider)
        progress(f"decode {tokens:,} tokens")
        found = measurements.steady.measure(bundle, tokens, threads, provider)
    text = (
        f"{tokens:,} tokens: {found.first_ms:.3f} ms per token at first, {found.last_ms:.3f} ms at last "
        f"(ratio {found.last_ms / found.first_ms:.3f})\n"
        f"resident memory {found.rss_after_warm_up / 1e6:.2f} MB after 100 tokens, "
        f"{found.rss_at_end / 1e6:.2f} MB at the end, {found.rss_highest / 1e6:.2f} MB at most"
    )
    print_result(asdict(found), text, as_json)
