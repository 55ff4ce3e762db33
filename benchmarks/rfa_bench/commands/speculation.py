"""`rfa-bench speculation`: text with guessed tokens."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from rfa_bench import measurements
from rfa_bench.commands.of_bundle import ChosenBundle, of_bundle
from rfa_bench.terminal import FILE, count_option, measuring, print_result


@click.command(epilog="Example:  rfa-bench speculation model.rfa --text text.txt --draft small.rfa --threads 2")
@of_bundle
@click.option("--text", type=FILE, help="Prompts are parts of this text; by default, of what the model writes.")
@click.option("--draft", default="lookup", show_default=True, help="What guesses: `lookup`, or a smaller bundle.")
@count_option("--draft-tokens", 4, "Of a guess.")
@count_option("--prompts", 100, "Texts that are written.")
@count_option("--new-tokens", 64, "Of a text.")
def speculation(
    chosen: ChosenBundle, text: Path | None, draft: str, draft_tokens: int, prompts: int, new_tokens: int
) -> None:
    """Write texts with guesses and without, in turns: are they the same, and does it pay?

    The model is BUNDLE, random weights of --size, or the storyteller inside.
    """
    with measuring(chosen.keep, files=[text]) as (folder, progress):
        bundle = chosen.read(folder, progress)
        progress(f"{prompts} texts of {new_tokens} tokens, both ways")
        found = measurements.speculation.measure(
            bundle, text, draft, draft_tokens, prompts, new_tokens, chosen.threads, chosen.provider
        )
    words = (
        f"{found.accepted:,} of {found.drafted:,} guesses right ({found.acceptance:.0%}), "
        f"{found.tokens_per_step:.2f} tokens a step\n"
        f"{found.same_texts} of {found.prompts} texts equal\n"
        f"{found.tokens_per_s:,.0f} tokens/s, {found.plain_tokens_per_s:,.0f} without guesses ({found.speed:.2f} times)"
    )
    print_result(asdict(found), words, chosen.as_json)
