"""`rfa-run`: the command line of bundles, whatever their task.

It imports nothing heavy by itself: names of the package load their modules when they are used.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

import rfa_runtime
from rfa_runtime.bundle.interface import CLASSIFICATION, LANGUAGE_MODEL, TRANSLATION
from rfa_runtime.commands.run_classification import run_classification
from rfa_runtime.commands.run_language import run_language
from rfa_runtime.commands.run_translation import run_translation
from rfa_runtime.commands.task_options import TaskCommand, check_options, option_of
from rfa_runtime.errors import BundleError, OptionError, RfaRuntimeError

FILE = click.Path(path_type=Path)
EPILOG = 'Example:  rfa-run model.rfa "Once upon a time" --max-new-tokens 200 --temperature 0.8 --top-k 40'
INTERRUPTED, PIPE_CLOSED = 130, 141
"""128 and the number of the signal, as shells count."""
LENGTH_HELP = "128 by default, 0 sets no limit; a translation ends by the length of its source unless this is given."
RUNS: dict[str, Callable[..., None]] = {
    LANGUAGE_MODEL: run_language,
    TRANSLATION: run_translation,
    CLASSIFICATION: run_classification,
}
language_option, translation_option = option_of(LANGUAGE_MODEL), option_of(TRANSLATION)
written_option, file_option = option_of(LANGUAGE_MODEL, TRANSLATION), option_of(TRANSLATION, CLASSIFICATION)


@click.command(cls=TaskCommand, epilog=EPILOG)
@click.argument("bundle", type=FILE, metavar="DIR")
@click.argument("prompt", required=False)
@click.option("--prompt-file", type=FILE, help="Read the prompt from a file.")
@click.option("--score", type=FILE, multiple=True, metavar="FILE", help="Print how good the model is on a file.")
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads of a step; all cores by default.")
@click.option("--provider", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True, help="Where to run.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@written_option("--max-new-tokens", type=click.IntRange(min=0), help=LENGTH_HELP)
@language_option("--temperature", type=float, help="0 picks the most likely token.")
@language_option("--top-k", type=int, help="Draw from the k most likely tokens.")
@language_option("--top-p", type=float, help="Draw from the fewest tokens whose probabilities add up to p.")
@language_option("--repetition-penalty", type=float, help="Above 1, what was said becomes less likely.")
@language_option("--seed", type=int, help="The same seed gives the same text.")
@language_option("--stop", multiple=True, metavar="TEXT", help="End the text before this; may be repeated.")
@language_option("--ignore-eos", is_flag=True, help="Go on where the model would end the text.")
@language_option("--segment", type=click.IntRange(min=0), help="Tokens scored from one empty state; 0 carries it on.")
@file_option("--input", "input_file", type=FILE, help="Answer every line of a file; a stopped run goes on.")
@file_option("--output", type=FILE, default="-", help="Where the answers go; standard output by default.")
@file_option("--overwrite", is_flag=True, help="Replace a file at the output.")
@file_option("--batch", type=click.IntRange(min=1), default=16, show_default=True, help="Lines worked on at once.")
@translation_option("--beam", type=int, default=1, show_default=True, help="Hypotheses side by side; 1 is greedy.")
@translation_option("--length-penalty", type=float, default=1.0, show_default=True, help="More prefers longer texts.")
@translation_option("--n-best", type=int, default=1, show_default=True, help="Print the best few, with scores.")
@translation_option("--no-early-stop", is_flag=True, help="Search until nothing better can come.")
@translation_option(
    "--max-source-tokens", type=click.IntRange(min=1), default=8192, show_default=True, help="Refuse longer sources."
)
@click.version_option(rfa_runtime.__version__)
@click.pass_context
def main(context: click.Context, /, **options: Any) -> None:
    """Continue, translate or classify PROMPT with the model in DIR, a bundle of rfa-export.

    PROMPT `-` is read from standard input.  Sampling options that are left out are the bundle's own.  Where it has
    none, the most likely token is taken; or with --seed, --top-k or --top-p, one drawn at temperature 1.

    --score reads a text and gives its perplexity; pairs as .tsv or .jsonl, or as two plain files when it comes twice,
    and gives BLEU and chrF; or labelled texts as .tsv or .jsonl, and gives the accuracy.  Where a classifier compares
    two documents, a tab stands between them.
    """
    try:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a terminal that lacks a character is no reason to stop
        run(context, **options)
    except BrokenPipeError:
        leave_quietly()
    except (RfaRuntimeError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def run(context: click.Context, bundle: Path, **options: Any) -> None:
    """The command's work, with errors still as exceptions: the bundle's task decides what that is."""
    check_request(**options)
    read = rfa_runtime.read_bundle(bundle)
    task = read.manifest.task
    if task not in RUNS:
        raise BundleError(f"{bundle.name} is for the task {task!r}, this version knows {', '.join(RUNS)}: upgrade it")
    check_options(context, bundle.name, task)
    RUNS[task](read, **options)


def check_request(
    prompt: str | None,
    prompt_file: Path | None,
    score: tuple[Path, ...],
    input_file: Path | None,
    output: Path,
    overwrite: bool,
    **_: Any,
) -> None:
    """Raise OptionError unless one thing is asked for."""
    asked = {
        "a prompt": prompt is not None,
        "--prompt-file": prompt_file is not None,
        "--score": bool(score),
        "--input": input_file is not None,
    }
    given = [name for name, is_there in asked.items() if is_there]
    if len(given) > 1:
        raise OptionError(f"{given[0]} and {given[1]} came together, wanted one of them")
    for name, is_there in (("--output", output != Path("-")), ("--overwrite", overwrite)):
        if is_there and input_file is None:
            raise OptionError(f"{name} came without --input, wanted both or none")


def leave_quietly() -> NoReturn:
    """Leave as a program does whose reader has gone, such as `head`."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more at its end
    sys.exit(PIPE_CLOSED)


if __name__ == "__main__":
    main()
