"""`rfa-convert SRC -o model.pt`: the command line for checkpoints of the authors' release.

It imports nothing heavy by itself: `rfa_models.convert_release` loads torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import rfa_models
from rfa_models.checkpoints.output import check_output
from rfa_models.commands.ending import one_line_errors
from rfa_models.convert.words_file import check_one
from rfa_runtime.bundle.places import check_readable
from rfa_runtime.ending import complain
from rfa_runtime.interrupt import ending_at_once

FILE = click.Path(path_type=Path)
TAU = click.FloatRange(min=0, min_open=True)
EPILOG = "Example:  rfa-convert checkpoint_best.pt --dictionary dict.en.txt -o model.pt"


@click.command(epilog=EPILOG)
@click.argument("source", metavar="SRC", type=FILE)
@click.option("-o", "--output", type=FILE, default="model.pt", show_default=True)
@click.option(
    "--random-matrices", type=FILE, help="The .npy file of causal attention's, for a SRC that does not hold them."
)
@click.option(
    "--exact-matrices", is_flag=True, help="Take that file's numbers as they are: the authors round them to float16."
)
@click.option("--dictionary", type=FILE, help="dict.txt of fairseq; texts must then come split as for fairseq.")
@click.option("--tokenizer", type=FILE, help="tokenizer.json with the ids of the dictionary, in place of --dictionary.")
@click.option(
    "--encoder-heads", "encoder_attention_heads", type=click.IntRange(min=1), help="In place of what SRC says."
)
@click.option("--causal-tau", type=TAU, help="In place of what SRC says; 1.0 where it says nothing.")
@click.option("--cross-tau", type=TAU, help="In place of what SRC says; 1.0 where it says nothing.")
@click.option("--feature-scale", type=float, help="SCALE in the code of the program that wrote SRC, in place of 0.1.")
@click.option(
    "--denominator-floor",
    type=float,
    help="EPS in that code, in place of 1.0, or 0.1 for rfa-doc-mt: no file says either.",
)
@click.option("--overwrite", is_flag=True, help="Replace a model at the output.")
@click.version_option(rfa_models.__version__)
@one_line_errors
def main(
    source: Path,
    output: Path,
    random_matrices: Path | None,
    dictionary: Path | None,
    tokenizer: Path | None,
    overwrite: bool,
    **options: Any,
) -> None:
    """Convert SRC, a checkpoint of the authors' release of Random Feature Attention, to a model of ours.

    SRC is a translator (RFA in the decoder) or a language model in the format of fairseq.
    """
    check_output(output, overwrite)
    check_one(dictionary, tokenizer)
    check_readable(source, random_matrices, dictionary, tokenizer)  # before torch is loaded
    with ending_at_once():
        convert_release = rfa_models.convert_release
    converted = convert_release(source, output, random_matrices, dictionary, tokenizer, overwrite=overwrite, **options)
    for note in converted.notes:
        complain(f"{source} {note}")
    print(f"{output}: {converted.summary()}")


if __name__ == "__main__":
    main()
