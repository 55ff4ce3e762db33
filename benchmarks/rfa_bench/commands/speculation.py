"""`rfa-bench speculation`: text with guessed tokens."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from rfa_bench import measurements
from rfa_bench.commands.provider import check_provider
from rfa_bench.terminal import COUNT, FILE, JSON, PROVIDER, THREADS, measuring, print_result
from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.bundle.places import check_readable


@click.command(epilog="Example:  rfa-bench speculation model.rfa text.txt --draft small.rfa --threads 2")
@click.argument("bundle", type=FILE)
@click.argument("text", type=FILE)
@click.option("--draft", default="lookup", show_default=True, help="What guesses: `lookup`, or a smaller bundle.")
@click.option("--draft-tokens", type=COUNT, default=4, show_default=True, help="Of a guess.")
@click.option("--prompts", type=COUNT, default=100, show_default=True, help="Texts that are written.")
@click.option("--new-tokens", type=COUNT, default=64, show_default=True, help="Of a text.")
@THREADS
@PROVIDER
@JSON
def speculation(
    bundle: Path,
    text: Path,
    draft: str,
    draft_tokens: int,
    prompts: int,
    new_tokens: int,
    threads: int,
    provider: str,
    as_json: bool,
) -> None:
    """Continue parts of TEXT with BUNDLE, with guesses and without, in turns: is it the same, and does it pay?"""
    with measuring() as (_, progress):
        read = read_bundle(bundle)  # refuses it before ONNX Runtime is loaded
        check_readable(text)
        check_provider(provider)
        progress(f"{prompts} texts of {new_tokens} tokens, both ways")
        found = measurements.speculation.measure(
            read, text, draft, draft_tokens, prompts, new_tokens, threads, provider
        )
    words = (
        f"{found.accepted:,} of {found.drafted:,} guesses right ({found.acceptance:.0%}), "
        f"{found.tokens_per_step:.2f} tokens a step\n"
        f"{found.same_texts} of {found.prompts} texts equal\n"
        f"{found.tokens_per_s:,.0f} tokens/s, {found.plain_tokens_per_s:,.0f} without guesses ({found.speed:.2f} times)"
    )
    print_result(asdict(found), words, as_json)
