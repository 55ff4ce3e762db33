"""`rfa-train RECIPE.toml`: the command line of training.

It imports nothing heavy by itself: `rfa_models.train_recipe` loads torch once the recipe is known to be sound.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console

import rfa_models
from rfa_models.checkpoints.archive import check_archive
from rfa_models.checkpoints.output import check_output, check_place
from rfa_models.commands.ending import one_line_errors
from rfa_models.errors import LostProcessError
from rfa_models.recipes.recipe import Recipe, read_recipe
from rfa_models.training.distributed.environment import is_joined, leads
from rfa_models.training.run_files import RunFiles
from rfa_runtime.bundle.places import check_readable
from rfa_runtime.ending import BAD_INPUT
from rfa_runtime.interrupt import INTERRUPTED, ending_at_once
from rfa_runtime.threads import LARGEST_THREADS, let_threads_sleep

FILE = click.Path(path_type=Path)
THREADS = click.IntRange(1, LARGEST_THREADS)
PROCESSES = click.IntRange(1, LARGEST_THREADS)
EPILOG = "Example:  rfa-train models/recipes/pydoc-tiny.toml -o model.pt"


@click.command(epilog=EPILOG)
@click.argument("recipe", type=FILE)
@click.option("--data", multiple=True, metavar="FILE", help="Training data in place of the recipe's; may be repeated.")
@click.option("--valid", multiple=True, metavar="FILE", help="Validation data in place of the recipe's.")
@click.option("-o", "--output", type=FILE, default="model.pt", show_default=True)
@click.option("--steps", type=click.IntRange(min=1), help="Steps in place of the recipe's.")
@click.option("--seed", type=int, help="Seed in place of the recipe's.")
@click.option("--device", help="cpu, cuda, cuda:1, ...; a CUDA device where there is one by default.")
@click.option("--threads", type=THREADS, help="CPU threads; as many as pay by default.")
@click.option("--processes", type=PROCESSES, default=1, help="Processes that train together on this machine.")
@click.option("--fsdp", is_flag=True, help="Let each process keep a part of every weight alone (FSDP2).")
@click.option("--overwrite", is_flag=True, help="Replace a finished model at the output.")
@click.option("--restart", is_flag=True, help="Start again in place of resuming.")
@click.option("--from", "start_from", type=FILE, metavar="MODEL", help="Start from the weights of this model.pt.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.version_option(rfa_models.__version__)
@one_line_errors
def main(
    recipe: Path,
    data: tuple[str, ...],
    valid: tuple[str, ...],
    output: Path,
    steps: int | None,
    seed: int | None,
    device: str | None,
    threads: int | None,
    processes: int,
    fsdp: bool,
    overwrite: bool,
    restart: bool,
    start_from: Path | None,
    as_json: bool,
) -> None:
    """Train the model that RECIPE describes.

    A run that was stopped goes on where it was: call the same command again.  One that has finished goes on with more
    --steps.  Beside the output lie NAME.log.jsonl, one line per step, NAME.resume while the run lasts, and
    NAME.further, which only more steps need.

    Several processes share every batch: the run is the same, in any number of them.  On several machines start it by
    torchrun: torchrun --nproc-per-node 8 ... -m rfa_models.commands.train RECIPE.
    """
    chosen = with_options(read_recipe(recipe), data, valid, steps=steps, seed=seed)
    if leads():
        check_files(chosen, output, overwrite, start_from)
    if processes > 1 and not is_joined():
        sys.exit(start_together(processes))
    let_threads_sleep()
    with ending_at_once():
        train_recipe = rfa_models.train_recipe  # loads torch
    console = Console(stderr=True)
    with one_speaker():
        trained = train_recipe(
            chosen,
            output,
            device=device,
            threads=threads,
            overwrite=overwrite,
            restart=restart,
            start_from=start_from,
            fsdp=fsdp,
            console=console,
        )
    if not trained.finished:
        if leads():
            console.print(f"stopped at step {trained.steps}: the same command goes on from there")
        sys.exit(INTERRUPTED)
    if leads():
        print(json.dumps(trained.as_table()) if as_json else trained.as_line())


@contextmanager
def one_speaker() -> Iterator[None]:
    """Let process 0 alone say that another process was lost."""
    try:
        yield
    except LostProcessError:
        if leads():
            raise
        sys.exit(BAD_INPUT)


def start_together(processes: int) -> int:
    """Run this command in several processes.  Returns the exit status."""
    with ending_at_once():
        launch_processes = rfa_models.launch_processes  # loads torch
    return launch_processes([sys.executable, "-m", "rfa_models.commands.train", *sys.argv[1:]], processes)


def check_files(recipe: Recipe, output: Path, overwrite: bool, start_from: Path | None) -> None:
    """Check before torch is loaded that the files can be read and written.  Raises ModelError or OSError."""
    check_place(output)
    files = RunFiles(output)
    going_on = files.resume.exists() or files.further.exists()
    check_output(output, overwrite or going_on)
    check_readable(*recipe.data.files())
    if start_from is not None:
        check_archive(start_from)


def with_options(recipe: Recipe, data: tuple[str, ...], valid: tuple[str, ...], **settings: int | None) -> Recipe:
    """The recipe with the command line's choices in it.  Paths are relative to the working directory.

    New training data do not go with the recipe's validation data, which are then left out.
    """
    sources = recipe.data
    if data:
        sources = dataclasses.replace(sources, train=data, valid=())
    if valid:
        sources = dataclasses.replace(sources, valid=valid)
    given: dict[str, Any] = {name: value for name, value in settings.items() if value is not None}
    return dataclasses.replace(recipe, data=sources, train=dataclasses.replace(recipe.train, **given))


if __name__ == "__main__":
    main()
