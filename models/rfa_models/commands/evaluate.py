"""`python -m rfa_models.commands.evaluate`: the figure of a checkpoint in torch, to compare with `rfa-run --score`."""

from __future__ import annotations

import json
from pathlib import Path

import click

import rfa_models
from rfa_models.checkpoints.archive import check_archive
from rfa_models.commands.ending import one_line_errors
from rfa_models.data.config import BUILT_IN
from rfa_runtime.bundle.places import check_readable
from rfa_runtime.interrupt import ending_at_once
from rfa_runtime.threads import let_threads_sleep

FILE = click.Path(path_type=Path)
EPILOG = "Example:  python -m rfa_models.commands.evaluate model.pt valid.txt"


@click.command(epilog=EPILOG)
@click.argument("checkpoint", type=FILE)
@click.argument("data", type=FILE, nargs=-1, required=True)
@click.option("--segment", type=click.IntRange(min=0), help="Tokens per segment, 0 carries the state; as trained.")
@click.version_option(rfa_models.__version__)
@one_line_errors
def main(checkpoint: Path, data: tuple[Path, ...], segment: int | None) -> None:
    """Print the figure of CHECKPOINT on DATA in torch, to compare with `rfa-run --score`.

    DATA is a text, a .tsv or .jsonl, or the two plain files of a translation.
    """
    check_archive(checkpoint)
    check_readable(*(file for file in data if str(file) not in BUILT_IN))  # before torch is loaded
    let_threads_sleep()
    with ending_at_once():
        load_checkpoint = rfa_models.load_checkpoint
        evaluate = rfa_models.evaluate
    print(json.dumps(evaluate(load_checkpoint(checkpoint), data, segment)))


if __name__ == "__main__":
    main()
