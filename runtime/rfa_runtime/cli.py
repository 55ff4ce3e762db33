"""`rfa-run`: the command line of decoding.

It imports nothing heavy by itself: names of the package load their modules when they are used.
"""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import click

import rfa_runtime
from rfa_runtime.errors import OptionError, PromptError, RfaRuntimeError
from rfa_runtime.text import decode, read_text

FILE = click.Path(path_type=Path)
EPILOG = 'Example:  rfa-run model.rfa "Once upon a time" --max-new-tokens 200 --temperature 0.8 --top-k 40'
INTERRUPTED, PIPE_CLOSED = 130, 141
"""128 and the number of the signal, as shells count."""


@click.command(epilog=EPILOG)
@click.argument("bundle", type=FILE, metavar="DIR")
@click.argument("prompt", required=False)
@click.option("--prompt-file", type=FILE, help="Read the prompt from a file.")
@click.option("--max-new-tokens", type=click.IntRange(min=0), default=128, show_default=True, help="0 sets no limit.")
@click.option("--temperature", type=float, help="0 picks the most likely token.")
@click.option("--top-k", type=int, help="Draw from the k most likely tokens.")
@click.option("--top-p", type=float, help="Draw from the fewest tokens whose probabilities add up to p.")
@click.option("--repetition-penalty", type=float, help="Above 1, what was said becomes less likely.")
@click.option("--seed", type=int, help="The same seed gives the same text.")
@click.option("--stop", multiple=True, metavar="TEXT", help="End the text before this; may be repeated.")
@click.option("--ignore-eos", is_flag=True, help="Go on where the model would end the text.")
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads of a step; all cores by default.")
@click.option("--provider", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True, help="Where to run.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.option("--score", type=FILE, metavar="FILE", help="Print the perplexity of a text file; takes no prompt.")
@click.option("--segment", type=click.IntRange(min=0), help="Tokens scored from one empty state; 0 carries it on.")
@click.version_option(rfa_runtime.__version__)
def main(**options: Any) -> None:
    """Continue PROMPT with the model in DIR, a bundle of rfa-export.

    PROMPT `-` is read from standard input.  Sampling options that are left out are the bundle's own.  Where it has
    none, the most likely token is taken; or with --seed, --top-k or --top-p, one drawn at temperature 1.
    """
    try:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a terminal that lacks a character is no reason to stop
        run(**options)
    except BrokenPipeError:
        leave_quietly()
    except (RfaRuntimeError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        with suppress(OSError):
            print(flush=True)
        sys.exit(INTERRUPTED)


def run(score: Path | None, **options: Any) -> None:
    """The command's work, with errors still as exceptions."""
    if score is None:
        generate(**options)
        return
    if options["prompt"] is not None or options["prompt_file"] is not None:
        raise OptionError("a prompt and --score came together, wanted one of them")
    show_score(score, **options)


def generate(
    bundle: Path,
    prompt: str | None,
    prompt_file: Path | None,
    max_new_tokens: int,
    stop: tuple[str, ...],
    ignore_eos: bool,
    threads: int | None,
    provider: str,
    as_json: bool,
    segment: int | None,
    **sampling: Any,
) -> None:
    """Continue the prompt: as a stream after it, or as one JSON object."""
    if segment is not None:
        raise OptionError("--segment came without --score, wanted both or none")
    text = prompt_text(prompt, prompt_file)
    decoder = rfa_runtime.Decoder(bundle, threads, provider)
    settings: dict[str, Any] = {
        "sampling": sampling_config(decoder.sampling, sampling),
        "max_new_tokens": max_new_tokens or None,
        "stop": stop,
        "ignore_eos": ignore_eos,
    }
    if as_json:
        print(json.dumps(decoder.generate(text, **settings).as_table()))
        return
    pieces = decoder.stream(text, **settings)
    print(text, end="", flush=True)
    for piece in pieces:
        print(piece.text, end="", flush=True)
    print()


def show_score(
    file: Path, bundle: Path, segment: int | None, threads: int | None, provider: str, as_json: bool, **_: Any
) -> None:
    """Print how well the bundle predicts a text."""
    text = read_text(file)
    found = rfa_runtime.score_text(rfa_runtime.read_bundle(bundle), text, segment, threads=threads, provider=provider)
    if as_json:
        print(json.dumps(found.as_table()))
        return
    print(
        f"perplexity {found.perplexity:.3f} over {found.tokens:,} tokens in {found.items:,} segments, "
        f"{found.bits_per_byte:.3f} bits per byte"
    )


def prompt_text(prompt: str | None, prompt_file: Path | None) -> str:
    """Find the prompt: on the command line, in a file, or on standard input."""
    if prompt is not None and prompt_file is not None:
        raise PromptError("a prompt and --prompt-file came together, wanted one of them")
    if prompt_file is not None:
        return read_text(prompt_file)
    if prompt == "-":
        return decode(sys.stdin.buffer.read(), "standard input")
    return prompt or ""


def sampling_config(defaults: rfa_runtime.SamplingConfig, options: dict[str, Any]) -> rfa_runtime.SamplingConfig:
    """Put the options over the bundle's defaults.  Who asks for chance without saying how much gets temperature 1."""
    given = {name: value for name, value in options.items() if value is not None}
    if given.keys() & {"seed", "top_k", "top_p"} and defaults.temperature == 0:
        given.setdefault("temperature", 1.0)
    return replace(defaults, **given)


def leave_quietly() -> NoReturn:
    """Leave as a program does whose reader has gone, such as `head`."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more at its end
    sys.exit(PIPE_CLOSED)


if __name__ == "__main__":
    main()
