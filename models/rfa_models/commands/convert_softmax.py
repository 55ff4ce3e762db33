"""`rfa-convert` for softmax models: its options, and what it does with them."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
from rich.console import Console

import rfa_models
from rfa_models.attention.config import FeatureMap
from rfa_models.checkpoints.output import check_output, check_place
from rfa_models.commands.given import given_options
from rfa_models.commands.stacked import stacked
from rfa_models.convert.pretrained.formats import LLAMA2C
from rfa_models.teaching.files import ConversionFiles
from rfa_models.teaching.student_config import LessonPrecision, StudentConfig, TeachingConfig
from rfa_runtime.bundle.places import check_readable
from rfa_runtime.ending import complain
from rfa_runtime.interrupt import INTERRUPTED, ending_at_once
from rfa_runtime.threads import LARGEST_THREADS, let_threads_sleep

if TYPE_CHECKING:
    from click.decorators import FC

FILE = click.Path(path_type=Path)
COUNT = click.IntRange(min=1)
RATE = click.FloatRange(min=0, min_open=True)
WORDS = "Softmax: "
SAVE_PRETRAINED = "--save-pretrained"
STUDENT = StudentConfig()
TEACHING = TeachingConfig()
OPTIONS = (
    click.option("--tokens", type=COUNT, help=WORDS + f"tokens to learn from.  [default: {TEACHING.tokens:,}]"),
    click.option("--minutes", type=RATE, help=WORDS + "end the lessons after this time, if tokens do not end them."),
    click.option("--no-training", is_flag=True, help=WORDS + "write the student as it is before its first lesson."),
    click.option(
        SAVE_PRETRAINED,
        is_flag=True,
        help=WORDS + "write SRC itself, as a folder in the layout of Hugging Face, and no student.",
    ),
    click.option(
        "--text",
        "texts",
        type=FILE,
        multiple=True,
        metavar="FILE",
        help=WORDS + "text to learn from, repeatable.",
    ),
    click.option(
        "--measure", "measured", type=FILE, multiple=True, metavar="FILE", help=WORDS + "text to be measured on, too."
    ),
    click.option(
        "--samples",
        type=click.IntRange(min=0),
        help=WORDS + f"tokens that SRC writes to learn from; 0 for --text alone.  [default: {TEACHING.samples:,}]",
    ),
    click.option("--length", type=COUNT, help=WORDS + f"tokens of a text.  [default: {TEACHING.length}, or SRC's]"),
    click.option("--batch-size", type=COUNT, help=WORDS + f"texts of a step.  [default: {TEACHING.batch_size}]"),
    click.option(
        "--learning-rate",
        type=RATE,
        help=WORDS + "of the second stage.  [default: 0.032 / width, a fifth of it with a window]",
    ),
    click.option(
        "--precision",
        type=click.Choice(get_args(LessonPrecision)),
        help=WORDS + f"of the large products of lessons.  [default: {TEACHING.precision}]",
    ),
    click.option(
        "--feature-map",
        type=click.Choice(get_args(FeatureMap)),
        help=WORDS + f"what stands for exp(q.k).  [default: {STUDENT.feature_map}]",
    ),
    click.option("--random-vectors", type=COUNT, help=WORDS + f"of each head.  [default: {STUDENT.random_vectors}]"),
    click.option(
        "--window", type=click.IntRange(min=0), help=WORDS + "last tokens that are still read by it.  [default: 0]"
    ),
    click.option(
        "--window-alone",
        is_flag=True,
        default=None,
        help=WORDS + "no random features, to compare with a window alone.",
    ),
    click.option(
        "--sinks",
        type=click.IntRange(min=0),
        help=WORDS + "first tokens that are read by it for ever, beside a window.  [default: 0]",
    ),
    click.option("--seed", type=click.IntRange(min=0), help=WORDS + "of random vectors and text.  [default: 0]"),
    click.option("--device", help=WORDS + "cpu, cuda, cuda:1, ...; a CUDA device where there is one by default."),
    click.option(
        "--threads", type=click.IntRange(1, LARGEST_THREADS), help=WORDS + "CPU threads; as many as pay by default."
    ),
    click.option("--restart", is_flag=True, help=WORDS + "start again in place of resuming."),
)
OF_STUDENT = ("feature_map", "random_vectors", "window", "window_alone", "sinks", "seed")
OF_TEACHING = ("tokens", "minutes", "samples", "length", "batch_size", "learning_rate", "precision")
NAMES = (
    *OF_STUDENT,
    *OF_TEACHING,
    "no_training",
    "save_pretrained",
    "texts",
    "measured",
    "device",
    "threads",
    "restart",
)
"""Of all the options above."""


def options(command: FC) -> FC:
    """The options of a softmax model."""
    return stacked(command, OPTIONS)


def run(
    source: Path, output: Path, tokenizer: Path | None, overwrite: bool, as_json: bool, given: dict[str, Any]
) -> None:
    """Convert SRC.  given: the options above, by their names."""
    if given["save_pretrained"]:
        write_as_it_is(source, output, tokenizer, as_json)
        return
    check_place(output)
    stopped = ConversionFiles(output).resume.exists()
    check_output(output, overwrite or stopped)
    if tokenizer is not None and source.suffix != LLAMA2C:
        raise click.UsageError(f"--tokenizer is for models of llama2.c, {source} has its own: drop it")
    check_readable(*given["texts"], *given["measured"])
    student = replace(STUDENT, **chosen(given, OF_STUDENT))
    teaching = replace(TEACHING, **chosen(given, OF_TEACHING))
    if given["no_training"]:
        teaching = replace(teaching, tokens=0)
    let_threads_sleep()
    with ending_at_once():
        convert_softmax = rfa_models.convert_softmax
    console = Console(stderr=True)
    converted = convert_softmax(
        source,
        output,
        student=student,
        teaching=teaching,
        texts=given["texts"],
        measured=given["measured"],
        tokenizer=tokenizer,
        device=given["device"],
        threads=given["threads"],
        overwrite=overwrite,
        restart=given["restart"],
        console=console,
    )
    for note in converted.notes:
        complain(f"{source} {note}")
    print(json.dumps(converted.as_table()) if as_json else converted.as_line())
    if not converted.finished:
        console.print("stopped: the model is usable as it is; the same command goes on from there")
        sys.exit(INTERRUPTED)


def write_as_it_is(source: Path, output: Path, tokenizer: Path | None, as_json: bool) -> None:
    """Write SRC in the layout of Hugging Face.  Raises UsageError for options of lessons that do not take place."""
    for option in given_options(NAMES):
        if option != SAVE_PRETRAINED:
            raise click.UsageError(f"{option} with {SAVE_PRETRAINED}, which writes {source} as it is: drop one")
    with ending_at_once():
        read_softmax_model = rfa_models.read_softmax_model
        save_pretrained = rfa_models.save_pretrained
    found = read_softmax_model(source, tokenizer)
    save_pretrained(found.checkpoint(), output)
    for note in found.notes:
        complain(f"{source} {note}")
    print(json.dumps({"model": str(output)}) if as_json else f"{output}: {source} in the layout of Hugging Face")


def chosen(given: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The options that were given, among these."""
    return {name: given[name] for name in names if given[name] is not None}
