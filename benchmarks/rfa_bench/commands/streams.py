"""`rfa-bench streams`: many texts through the engine."""

from __future__ import annotations

from dataclasses import asdict

import click

from rfa_bench import measurements
from rfa_bench.commands.of_bundle import ChosenBundle, of_bundle
from rfa_bench.terminal import count_option, measuring, print_result


@click.command(epilog="Example:  rfa-bench streams model.rfa --streams 16 --seconds 60 --threads 2")
@of_bundle
@count_option("--streams", 16, "Texts at once.")
@click.option("--seconds", type=click.FloatRange(min=1), default=60.0, show_default=True, help="How long.")
@count_option("--rounds", 3, "Of texts at once, then one by one.")
@count_option("--prompt-tokens", 256, "The longest prompt.")
@count_option("--text-tokens", 128, "The longest text.")
@count_option("--compared", 32, "Texts written again by themselves.")
def streams(
    chosen: ChosenBundle,
    streams: int,
    seconds: float,
    rounds: int,
    prompt_tokens: int,
    text_tokens: int,
    compared: int,
) -> None:
    """Keep many texts going: how fast, how right, in how much memory.

    The model is BUNDLE, random weights of --size, or the storyteller inside.  Prompts and texts have from one token to
    the longest, by chance; some always wait for a place.  The first few are read again by themselves, token by token:
    is each the token that the model would have chosen?
    """
    with measuring(chosen.keep) as (folder, progress):
        bundle = chosen.read(folder, progress)
        progress(f"{streams} texts at once for {seconds:g} s")
        found = measurements.streams.measure(
            bundle, streams, seconds, chosen.threads, compared, prompt_tokens, text_tokens, rounds, chosen.provider
        )
    text = (
        f"{found.tokens_per_s:,.0f} tokens/s of {streams} texts at once, {found.alone_tokens_per_s:,.0f} of one by "
        f"itself ({found.ratio:.2f} times)\n"
        f"{found.requests:,} texts in {found.seconds:g} s; of {found.compared} that were read again by themselves "
        f"{found.equal_texts} equal, {found.near_ties} near ties, {found.wrong_tokens} wrong tokens\n"
        f"resident memory {found.rss_settled / 1e6:.1f} MB once settled, {found.rss_at_end / 1e6:.1f} MB at the end"
    )
    print_result(asdict(found), text, chosen.as_json)
