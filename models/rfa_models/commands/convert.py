"""`rfa-convert SRC -o model.pt`: the command line for models of others.

It imports nothing heavy by itself: what converts is loaded once the options are known to go together.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import rfa_models
from rfa_models.commands import convert_release, convert_softmax
from rfa_models.commands.ending import one_line_errors
from rfa_models.commands.given import given_options
from rfa_models.convert.pretrained.formats import is_softmax_model
from rfa_runtime.bundle.places import check_readable

FILE = click.Path(path_type=Path)
EPILOG = "Example:  rfa-convert SmolLM2-135M-Instruct -o student.pt --minutes 60"


@click.command(epilog=EPILOG)
@click.argument("source", metavar="SRC", type=FILE)
@click.option("-o", "--output", type=FILE, default="model.pt", show_default=True)
@click.option(
    "--tokenizer",
    type=FILE,
    help="Of a llama2.c model with none beside it; of a release, in place of --dictionary.",
)
@click.option("--overwrite", is_flag=True, help="Replace a model at the output.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@convert_softmax.options
@convert_release.options
@click.version_option(rfa_models.__version__)
@one_line_errors
def main(source: Path, output: Path, tokenizer: Path | None, overwrite: bool, as_json: bool, **options: Any) -> None:
    """Make a model of ours from SRC, a model with softmax attention, or a checkpoint of the authors' release.

    A softmax model is a folder in the layout of Hugging Face (Llama, Mistral, Qwen2, SmolLM, GPT-2), a GGUF file, a
    model of llama2.c, or one that was trained here.  It writes text, from which its own copy with random features
    learns: a conversion that was stopped goes on with the same command.

    A checkpoint of the authors' release is a translator (RFA in the decoder) or a language model in the format of
    fairseq.
    """
    check_readable(None if source.is_dir() else source, tokenizer)
    of_softmax = {name: options.pop(name) for name in convert_softmax.NAMES}
    if is_softmax_model(source):
        refuse(options, source, "a softmax model", "checkpoints of the authors' release")
        convert_softmax.run(source, output, tokenizer, overwrite, as_json, of_softmax)
    else:
        refuse(of_softmax, source, "no softmax model", "softmax models")
        convert_release.run(source, output, tokenizer, overwrite, as_json, options)


def refuse(options: dict[str, Any], source: Path, found: str, wanted: str) -> None:
    """Raise UsageError for an option that was given and has no use here."""
    for option in given_options(options):
        raise click.UsageError(f"{option} is for {wanted}, {source} is {found}: drop it")


if __name__ == "__main__":
    main()
