"""`rfa-bench company`: what a text notices of others."""

from __future__ import annotations

from dataclasses import asdict

import click

from rfa_bench import measurements
from rfa_bench.commands.of_bundle import ChosenBundle, of_bundle
from rfa_bench.terminal import count_option, measuring, print_result


@click.command(epilog="Example:  rfa-bench company model.rfa --streams 8 --held 1000 --threads 2")
@of_bundle
@count_option("--streams", 8, "Texts that are written.")
@count_option("--prompt-tokens", 8192, "Of a prompt that comes meanwhile.")
@count_option("--held", 1000, "Texts that are held at once in the end.")
def company(chosen: ChosenBundle, streams: int, prompt_tokens: int, held: int) -> None:
    """What a text notices of others in the same engine.

    The model is BUNDLE, random weights of --size, or the storyteller inside.  Pauses while a long prompt is read, the
    time until a cancelled text is over, the time to the first token behind a prompt that was read before, and the
    memory of many texts.
    """
    with measuring(chosen.keep) as (folder, progress):
        bundle = chosen.read(folder, progress)
        progress(f"{streams} texts, a prompt of {prompt_tokens:,} tokens, {held:,} texts at once")
        found = measurements.company.measure(bundle, streams, prompt_tokens, held, chosen.threads, chosen.provider)
    text = (
        f"from token to token {found.steady_p95_ms:.2f} ms (p95 of {found.streams} texts), while a prompt of "
        f"{found.prompt_tokens:,} tokens is read {found.beside_p95_ms:.2f} ms ({found.beside_ratio:.2f} times)\n"
        f"cancelled after {found.cancel_ms:.2f} ms and {found.tokens_after_cancel} tokens\n"
        f"first token behind 2,048 tokens after {found.ttft_s:.3f} s, behind the same again "
        f"{found.repeated_ttft_s:.4f} s\n"
        f"{found.held:,} texts take {found.held_bytes / 1e6:,.1f} MB, by the manifest "
        f"{found.held_expected_bytes / 1e6:,.1f} MB"
    )
    print_result(asdict(found), text, chosen.as_json)
