"""`rfa-bench steady`: time and memory of a long decode, at first and at last."""

from __future__ import annotations

from dataclasses import asdict

import click

from rfa_bench import measurements
from rfa_bench.commands.of_bundle import ChosenBundle, of_bundle
from rfa_bench.terminal import measuring, print_result

TOKENS = click.IntRange(min=400)


@click.command(epilog="Example:  rfa-bench steady model.rfa --tokens 20000")
@of_bundle
@click.option("--tokens", type=TOKENS, default=20_000, show_default=True, help="Tokens to decode.")
def steady(chosen: ChosenBundle, tokens: int) -> None:
    """Decode many tokens: do time and memory stay as they are?

    The model is BUNDLE, random weights of --size, or the storyteller inside.  The last steps are compared with the
    first, and memory at the end with memory after 100 tokens.
    """
    with measuring(chosen.keep) as (folder, progress):
        bundle = chosen.read(folder, progress)
        progress(f"decode {tokens:,} tokens")
        found = measurements.steady.measure(bundle, tokens, chosen.threads, chosen.provider)
    text = (
        f"{tokens:,} tokens: {found.first_ms:.3f} ms per token at first, {found.last_ms:.3f} ms at last "
        f"(ratio {found.last_ms / found.first_ms:.3f})\n"
        f"resident memory {found.rss_after_warm_up / 1e6:.2f} MB after 100 tokens, "
        f"{found.rss_at_end / 1e6:.2f} MB at the end, {found.rss_highest / 1e6:.2f} MB at most"
    )
    print_result(asdict(found), text, chosen.as_json)
