"""`rfa-convert` for checkpoints of the authors' release: its options, and what it does with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import rfa_models
from rfa_models.checkpoints.output import check_output
from rfa_models.commands.stacked import stacked
from rfa_models.convert.words_file import check_one
from rfa_runtime.bundle.places import check_readable
from rfa_runtime.ending import complain
from rfa_runtime.interrupt import ending_at_once

if TYPE_CHECKING:
    from click.decorators import FC

FILE = click.Path(path_type=Path)
TAU = click.FloatRange(min=0, min_open=True)
WORDS = "Release: "
OPTIONS = (
    click.option(
        "--random-matrices",
        type=FILE,
        help=WORDS + "the .npy file of causal attention's, where SRC lacks them.",
    ),
    click.option(
        "--exact-matrices", is_flag=True, help=WORDS + "take their numbers as they are: the authors round to float16."
    ),
    click.option(
        "--dictionary", type=FILE, help=WORDS + "dict.txt of fairseq; texts must then come split as for fairseq."
    ),
    click.option(
        "--encoder-heads", "encoder_attention_heads", type=click.IntRange(min=1), help=WORDS + "in place of SRC's."
    ),
    click.option("--causal-tau", type=TAU, help=WORDS + "in place of SRC's; 1.0 where it says nothing."),
    click.option("--cross-tau", type=TAU, help=WORDS + "in place of SRC's; 1.0 where it says nothing."),
    click.option(
        "--feature-scale", type=float, help=WORDS + "SCALE in the code of the program that wrote SRC, in place of 0.1."
    ),
    click.option(
        "--denominator-floor",
        type=float,
        help=WORDS + "EPS in that code, in place of 1.0, or 0.1 for rfa-doc-mt: no file says either.",
    ),
)


def options(command: FC) -> FC:
    """The options of a release."""
    return stacked(command, OPTIONS)


def run(
    source: Path, output: Path, tokenizer: Path | None, overwrite: bool, as_json: bool, given: dict[str, Any]
) -> None:
    """Convert SRC.  given: the options above, by their names."""
    check_output(output, overwrite)
    check_one(given["dictionary"], tokenizer)
    check_readable(given["random_matrices"], given["dictionary"])
    with ending_at_once():
        convert_release = rfa_models.convert_release
    converted = convert_release(source, output, tokenizer=tokenizer, overwrite=overwrite, **given)
    for note in converted.notes:
        complain(f"{source} {note}")
    print(json.dumps({"model": str(output)}) if as_json else f"{output}: {converted.summary()}")
