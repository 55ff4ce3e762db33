"""`rfa-run`: the command line of bundles, whatever their task.

No heavy module is imported here: names of the package load their modules when they are used.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

import rfa_runtime
from rfa_runtime.bundle.interface import CLASSIFICATION, LANGUAGE_MODEL, TRANSLATION
from rfa_runtime.commands.run_classification import run_classification
from rfa_runtime.commands.run_language import run_language
from rfa_runtime.commands.run_translation import run_translation
from rfa_runtime.commands.task_options import TaskCommand, TaskOption, option_of, whose
from rfa_runtime.ending import in_one_line
from rfa_runtime.errors import BundleError, OptionError, RfaRuntimeError
from rfa_runtime.threads import LARGEST_THREADS

FILE = click.Path(path_type=Path)
THREADS = click.IntRange(1, LARGEST_THREADS)
EPILOG = 'Example:  rfa-run model.rfa "Once upon a time" --max-new-tokens 200 --temperature 0.8 --top-k 40'
SHIPPED = rfa_runtime.shipped_bundle()
"""The bundle that comes with this package; `make bundle` writes it."""
BUNDLE_SUFFIX = ".rfa"
LENGTH_HELP = "128 by default, 0 sets no limit; a translation ends by the length of its source unless this is given."
STOP_HELP = r"End the text before this; may be repeated. \n is a line end."
INPUT_HELP = "Answer every line of a file; may be repeated.  A stopped run goes on."
OUTPUT_HELP = "Where the answers go; standard output by default.  A folder for several files, or shards."
SHARDS_HELP = "Cut each file in N pieces, for processes that are called alike."
CLUSTER_HELP = "Let the workers of a Dask cluster answer; the address of its scheduler."
RUNS: dict[str, Callable[..., None]] = {
    LANGUAGE_MODEL: run_language,
    TRANSLATION: run_translation,
    CLASSIFICATION: run_classification,
}
language_option = option_of(LANGUAGE_MODEL)
translation_option = option_of(TRANSLATION)
written_option = option_of(LANGUAGE_MODEL, TRANSLATION)


@click.command(cls=TaskCommand, epilog=EPILOG)
@click.argument("bundle", required=False, metavar="[DIR]")
@click.argument("prompt", required=False)
@click.option("--prompt-file", type=FILE, help="Read the prompt from a file.")
@click.option("--score", type=FILE, multiple=True, metavar="FILE", help="Print how good the model is on a file.")
@click.option("--threads", type=THREADS, help="CPU threads of a step; as many as pay by default.")
@click.option("--provider", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True, help="Where to run.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@written_option("--max-new-tokens", type=click.IntRange(min=0), help=LENGTH_HELP)
@language_option("--ids", metavar="ID,...", help="Token ids as the prompt; without a tokenizer, ids are printed too.")
@language_option("--temperature", type=float, help="0 picks the most likely token.")
@language_option("--top-k", type=int, help="Draw from the k most likely tokens; 0 from all.")
@language_option("--top-p", type=float, help="Draw from the fewest tokens whose probabilities add up to p.")
@language_option("--min-p", type=float, help="Draw from tokens at least this part as likely as the most likely one.")
@language_option("--repetition-penalty", type=float, help="Above 1, what was said becomes less likely.")
@language_option("--typical-p", type=float, help="Draw from the tokens of the usual surprise that add up to p.")
@language_option("--presence-penalty", type=float, help="Taken from the logits of tokens that the text has.")
@language_option("--frequency-penalty", type=float, help="The same, for each time that the text has the token.")
@language_option("--seed", type=int, help="The same seed gives the same text.")
@language_option("--stop", multiple=True, metavar="TEXT", help=STOP_HELP)
@language_option("--min-tokens", type=click.IntRange(min=0), help="Tokens before which the model cannot end the text.")
@language_option("--json-schema", type=FILE, help="Write JSON that keeps to the schema in a file.")
@language_option("--regex", help="Write a text that this expression matches.")
@language_option("--lark", type=FILE, help="Write a text that follows the rules in a file, whose first is `start`.")
@language_option("--ignore-eos", is_flag=True, help="Go on where the model would end the text.")
@language_option("--chat", is_flag=True, help="Talk with the model: say something, read the answer, /help.")
@language_option("--save-state", type=FILE, help="Write what was read and written to a small file.")
@language_option("--load-state", type=FILE, help="Go on from such a file, with or without more PROMPT.")
@language_option("--draft", metavar="lookup|DIR", help="Guess tokens from the text, or by a smaller bundle.")
@language_option("--draft-tokens", type=click.IntRange(1, 256), default=4, show_default=True, help="Of a guess.")
@language_option("--segment", type=click.IntRange(min=0), help="Tokens scored from one empty state; 0 carries it on.")
@click.option("--input", "inputs", type=FILE, multiple=True, metavar="FILE", help=INPUT_HELP)
@click.option("--output", type=FILE, default="-", help=OUTPUT_HELP)
@click.option("--shards", type=click.IntRange(min=1), metavar="N", help=SHARDS_HELP)
@click.option("--cluster", metavar="ADDRESS", help=CLUSTER_HELP)
@click.option("--overwrite", is_flag=True, help="Replace a file at the output.")
@click.option("--batch", type=click.IntRange(min=1), default=16, show_default=True, help="Lines worked on at once.")
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

    Without DIR, a small model of stories that comes with this program is used:  rfa-run "Once upon a time".  One
    argument is DIR where it exists, ends in .rfa, or has a path separator and no space, or where an option brings the
    text; else it is PROMPT.

    On a terminal, without any text, it is a talk, as by --chat.

    With --shards any number of processes, on any machines that share the folder of --output, answer the same files
    together: start the same command in each.  What a killed one has left, the others take over.

    PROMPT `-` is read from standard input.  Sampling options that are left out are the bundle's own.  Where it has
    none, the most likely token is taken; or with --seed, --top-k or --top-p, one drawn at temperature 1.

    --score reads a text and gives its perplexity; pairs as .tsv or .jsonl, or as two plain files when it comes twice,
    and gives BLEU and chrF; or labelled texts as .tsv or .jsonl, and gives the accuracy.  Where a classifier compares
    two documents, a tab stands between them.
    """
    with in_one_line(RfaRuntimeError):
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a terminal that lacks a character is no reason to stop
        run(context, **options)


def run(context: click.Context, bundle: str | None, prompt: str | None, **options: Any) -> None:
    """Do the command's work; errors leave as exceptions.  The bundle's task decides what the work is."""
    sources = options_with_text(**options)
    goes_on = options["load_state"] is not None or options["chat"] or at_a_terminal()
    folder, text = bundle_and_prompt(bundle, prompt, sources, goes_on)
    check_request(text, **options)
    read = rfa_runtime.read_bundle(folder)
    task = read.manifest.task
    if task == LANGUAGE_MODEL and text is None and not sources and begins_nothing(**options):
        options["chat"] = at_a_terminal()
    if task not in RUNS:
        raise BundleError(f"{folder.name} is for the task {task!r}, this version knows {', '.join(RUNS)}: upgrade it")
    check_options(context, folder.name, task)
    RUNS[task](read, prompt=text, **options)


def at_a_terminal() -> bool:
    """Whether somebody can type what is to be read."""
    return sys.stdin is not None and sys.stdin.isatty()


def begins_nothing(
    chat: bool, load_state: Path | None, save_state: Path | None, draft: str | None, as_json: bool, **_: Any
) -> bool:
    """Whether no option says what is to be done: on a terminal that is a talk."""
    return not (chat or as_json) and (load_state, save_state, draft) == (None, None, None)


def bundle_and_prompt(
    first: str | None, second: str | None, sources: list[str], goes_on: bool = False
) -> tuple[Path, str | None]:
    """Tell the arguments apart: the bundle's folder and the prompt.

    sources: options that bring a text.  goes_on: whether a text goes on that needs no prompt.  Raises OptionError
    where nothing was given.
    """
    if first is None and not sources and not goes_on:
        raise OptionError(
            'nothing to continue came: give a prompt, such as  rfa-run "Once upon a time"  or see rfa-run --help'
        )
    if first is None:
        return SHIPPED, None
    if second is not None or sources or names_a_bundle(first):
        return Path(first), second
    return SHIPPED, first


def names_a_bundle(argument: str) -> bool:
    """Whether an argument that stands by itself is a folder, or looks like the name of one that is not there."""
    if argument.endswith(BUNDLE_SUFFIX):
        return True
    has_space = len(argument.split()) > 1
    if not has_space and (os.sep in argument or "/" in argument):
        return True
    return exists(argument)


def exists(argument: str) -> bool:
    """Whether a file or folder has this name.  A long text cannot be a name: the system refuses to look."""
    try:
        return Path(argument).exists()
    except (OSError, ValueError):
        return False


def options_with_text(
    prompt_file: Path | None, ids: str | None, score: tuple[Path, ...], inputs: tuple[Path, ...], **_: Any
) -> list[str]:
    """Name the options that were given and bring a text."""
    given = []
    if prompt_file is not None:
        given.append("--prompt-file")
    if ids is not None:
        given.append("--ids")
    if score:
        given.append("--score")
    if inputs:
        given.append("--input")
    return given


def check_request(
    prompt: str | None,
    inputs: tuple[Path, ...],
    output: Path,
    shards: int | None,
    cluster: str | None,
    overwrite: bool,
    **options: Any,
) -> None:
    """Raise OptionError unless one thing is asked for."""
    given = options_with_text(inputs=inputs, **options)
    if prompt is not None:
        given.insert(0, "a prompt")
    if len(given) > 1:
        raise OptionError(f"{given[0]} and {given[1]} came together, wanted one of them")
    check_alone(given, **options)
    if inputs:
        return
    came = {"--output": output != Path("-"), "--shards": shards, "--cluster": cluster, "--overwrite": overwrite}
    for option, value in came.items():
        if value:
            raise OptionError(f"{option} came without --input, wanted both or none")


def check_alone(
    given: list[str],
    chat: bool,
    load_state: Path | None,
    save_state: Path | None,
    draft: str | None,
    as_json: bool,
    **_: Any,
) -> None:
    """Raise OptionError for options that begin or keep a text of their own beside others that do.

    given: what brings a text.
    """
    states = []
    if load_state is not None:
        states.append("--load-state")
    if save_state is not None:
        states.append("--save-state")
    others = [name for name in given if name in ("--score", "--input")]
    if draft is not None and (states or others or chat):
        raise OptionError(f"--draft and {[*states, *others, '--chat'][0]} came together, wanted one of them")
    if as_json:
        others.append("--json")
    if states and others:
        raise OptionError(f"{states[0]} and {others[0]} came together, wanted one of them")
    if chat and (states or given or as_json):
        raise OptionError(
            f"--chat and {[*states, *given, '--json'][0]} came together: in a chat, /save and /load do it"
        )


def check_options(context: click.Context, name: str, task: str) -> None:
    """Raise OptionError for an option that was given and that models of this task do not have.  name: of the bundle."""
    for option in context.command.params:
        if isinstance(option, TaskOption) and task not in option.tasks and was_given(context, option):
            raise OptionError(f"{option.opts[0]} is an option of {whose(option)}, {name} is for the task {task!r}")


def was_given(context: click.Context, option: click.Parameter) -> bool:
    """Whether the command line has this option."""
    return context.get_parameter_source(option.name or "") is not ParameterSource.DEFAULT


if __name__ == "__main__":
    main()
