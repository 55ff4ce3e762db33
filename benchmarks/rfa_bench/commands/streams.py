"""`rfa-bench streams`: many texts through the engine."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from rfa_bench import measurements
from rfa_bench.commands.provider import check_provider
from rfa_bench.terminal import FILE, JSON, PROVIDER, THREADS, measuring, print_result
from rfa_runtime.bundle.bundle import read_bundle

COUNT = click.IntRange(min=1)


@click.command(epilog="Example:  rfa-bench streams model.rfa --streams 16 --seconds 60 --threads 2")
@click.argument("bundle", type=FILE)
@click.option("--streams", type=COUNT, default=16, show_default=True, help="Texts at once.")
@click.option("--seconds", type=click.FloatRange(min=1), default=60.0, show_default=True, help="How long.")
@click.option("--rounds", type=COUNT, default=3, show_default=True, help="Of texts at once, then one by one.")
@click.option("--prompt-tokens", type=COUNT, default=256, show_default=True, help="The longest prompt.")
@click.option("--text-tokens", type=COUNT, default=128, show_default=True, help="The longest text.")
@click.option("--compared", type=COUNT, default=32, show_default=True, help="Texts written again by themselves.")
@THREADS
@PROVIDER
@JSON
def streams(
    bundle: Path,
    streams: int,
    seconds: float,
    rounds: int,
    prompt_tokens: int,
    text_tokens: int,
    compared: int,
    threads: int,
    provider: str,
    as_json: bool,
) -> None:
    """Keep many texts going with BUNDLE: how fast, how right, in how much memory.

    Prompts and texts have from one token to the longest, by chance; some always wait for a place.  The first few are
    read again by themselves, token by token: is each the token that the model would have chosen?
    """
    with measuring() as (_, progress):
        read_bundle(bundle)  # refuses it before ONNX Runtime is loaded
        check_provider(provider)
        progress(f"{streams} texts at once for {seconds:g} s")
        found = measurements.streams.measure(
            bundle, streams, seconds, threads, compared, prompt_tokens, text_tokens, rounds, provider
        )
    text = (
        f"{found.tokens_per_s:,.0f} tokens/s of {streams} texts at once, {found.alone_tokens_per_s:,.0f} of one by "
        f"itself ({found.ratio:.2f} times)\n"
        f"{found.requests:,} texts in {found.seconds:g} s; of {found.compared} that were read again by themselves "
        f"{found.equal_texts} equal, {found.near_ties} near ties, {found.wrong_tokens} wrong tokens\n"
        f"resident memory {found.rss_settled / 1e6:.1f} MB once settled, {found.rss_at_end / 1e6:.1f} MB at the end"
    )
    print_result(asdict(found), text, as_json)
