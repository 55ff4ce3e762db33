"""`rfa-run` with a language model: continue a prompt, or score a text."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import rfa_runtime
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.commands.run_prompt import prompt_text, show
from rfa_runtime.errors import OptionError
from rfa_runtime.line_files.text import read_text

DEFAULT_LENGTH = 128
"""New tokens, where nobody says how many."""


def run_language(bundle: Bundle, score: tuple[Path, ...], segment: int | None, **options: Any) -> None:
    """What was asked for."""
    if score:
        show_perplexity(bundle, score, segment, **options)
        return
    if segment is not None:
        raise OptionError("--segment came without --score, wanted both or none")
    generate(bundle, **options)


def generate(
    bundle: Bundle,
    prompt: str | None,
    prompt_file: Path | None,
    max_new_tokens: int | None,
    stop: tuple[str, ...],
    ignore_eos: bool,
    threads: int | None,
    provider: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Continue the prompt: as a stream after it, or as one JSON object."""
    text = prompt_text(prompt, prompt_file)
    decoder = rfa_runtime.Decoder(bundle, threads, provider)
    settings: dict[str, Any] = {
        "sampling": sampling_config(decoder.sampling, options),
        "max_new_tokens": (DEFAULT_LENGTH if max_new_tokens is None else max_new_tokens) or None,
        "stop": stop,
        "ignore_eos": ignore_eos,
    }
    if as_json:
        print(json.dumps(decoder.generate(text, **settings).as_table()))
        return
    pieces = decoder.stream(text, **settings)
    print(text, end="", flush=True)
    show(pieces)


def show_perplexity(
    bundle: Bundle,
    files: tuple[Path, ...],
    segment: int | None,
    threads: int | None,
    provider: str,
    as_json: bool,
    **_: Any,
) -> None:
    """Print how well the bundle predicts a text."""
    if len(files) > 1:
        raise OptionError(f"--score came {len(files)} times, a language model scores one text file")
    found = rfa_runtime.score_text(bundle, read_text(files[0]), segment, threads=threads, provider=provider)
    if as_json:
        print(json.dumps(found.as_table()))
        return
    print(
        f"perplexity {found.perplexity:.3f} over {found.tokens:,} tokens in {found.items:,} segments, "
        f"{found.bits_per_byte:.3f} bits per byte"
    )


def sampling_config(defaults: rfa_runtime.SamplingConfig, options: dict[str, Any]) -> rfa_runtime.SamplingConfig:
    """Put the options over the bundle's defaults.  Who asks for chance without saying how much gets temperature 1."""
    names = ("temperature", "top_k", "top_p", "repetition_penalty", "seed")
    given = {name: options[name] for name in names if options[name] is not None}
    if given.keys() & {"seed", "top_k", "top_p"} and defaults.temperature == 0:
        given.setdefault("temperature", 1.0)
    return replace(defaults, **given)
