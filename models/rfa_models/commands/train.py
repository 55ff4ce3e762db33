"""`rfa-train RECIPE.toml`: the command line of training."""

from __future__ import annotations

import dataclasses
import json
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import click
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rfa_models.checkpoints.checkpoint import save_checkpoint
from rfa_models.checkpoints.output import check_output
from rfa_models.errors import ConfigError, ModelError
from rfa_models.recipes.recipe import Recipe, read_recipe
from rfa_models.training.run import StepReport, TrainingRun
from rfa_models.training.stop_request import StopRequest
from rfa_models.wording import one_line

LARGEST_THREADS = 1024
EPILOG = "Example:  rfa-train models/recipes/pydoc-tiny.toml -o model.pt"


@click.command(epilog=EPILOG)
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--data", multiple=True, metavar="FILE", help="Training data in place of the recipe's; may be repeated.")
@click.option("--valid", multiple=True, metavar="FILE", help="Validation data in place of the recipe's.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default="model.pt", show_default=True)
@click.option("--steps", type=click.IntRange(min=1), help="Steps in place of the recipe's.")
@click.option("--seed", type=int, help="Seed in place of the recipe's.")
@click.option("--device", help="cpu, cuda, cuda:1, ...; a CUDA device where there is one by default.")
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads.")
@click.option("--overwrite", is_flag=True, help="Replace a finished model at the output.")
@click.option("--restart", is_flag=True, help="Start again in place of resuming.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def main(recipe: Path, output: Path, **options: Any) -> None:
    """Train the model that RECIPE describes.

    A run that was stopped goes on where it was: call the same command again.  Beside the output lie NAME.log.jsonl, one
    line per step, and while the run lasts NAME.resume.
    """
    try:
        train(recipe, output, **options)
    except (ModelError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)


def train(
    recipe_path: Path,
    output: Path,
    data: tuple[str, ...],
    valid: tuple[str, ...],
    steps: int | None,
    seed: int | None,
    device: str | None,
    threads: int | None,
    overwrite: bool,
    restart: bool,
    as_json: bool,
) -> None:
    """The command's work, with errors still as exceptions."""
    recipe = with_options(read_recipe(recipe_path), data, valid, steps=steps, seed=seed)
    check_output(output, overwrite)
    if threads:
        set_threads(threads)
    console = Console(stderr=True)
    run = TrainingRun(recipe, choose_device(device))
    resume, log = output.with_name(f"{output.name}.resume"), output.with_name(f"{output.name}.log.jsonl")
    if restart:
        resume.unlink(missing_ok=True)
    if resume.exists():
        run.restore(resume)
        console.print(f"resuming {output} at step {run.done} of {recipe.train.steps}")
    keep_log_up_to(log, run.done)
    console.print(f"{count(run):,} parameters, {run.task.summary}, on {run.device}")
    if not follow(run, resume, log, console):
        console.print(f"stopped at step {run.done}: the same command goes on from there")
        sys.exit(130)
    save_checkpoint(run.checkpoint(), output)
    resume.unlink(missing_ok=True)
    print(result_as_json(run, output) if as_json else f"{output}: validation {run.task.metric} {run.valid:.3f}")


def count(run: TrainingRun) -> int:
    """Parameters of the model."""
    return sum(p.numel() for p in run.model.parameters())


def result_as_json(run: TrainingRun, output: Path) -> str:
    """What `--json` prints."""
    figures = {"steps": run.done, f"valid_{run.task.metric}": run.valid, "parameters": count(run)}
    return json.dumps({"model": str(output)} | figures)


def follow(run: TrainingRun, resume: Path, log: Path, console: Console) -> bool:
    """Train with a progress bar, a log and resume points; False when stopped by Ctrl-C before the end."""
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    every, stop = run.recipe.train.checkpoint_every, StopRequest()
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar, log.open("a") as lines, stop:
        task = bar.add_task("", total=run.recipe.train.steps, completed=run.done)
        for report in run.steps():
            lines.write(json.dumps(report.as_table(run.task.metric)) + "\n")
            bar.update(task, completed=report.step, description=describe(report, run.valid, run.task.metric))
            if report.valid is not None:
                console.print(f"step {report.step}: validation {run.task.metric} {report.valid:.3f}")
            if report.step % every == 0 or stop.requested:
                lines.flush()
                run.save(resume)
            if stop.requested and report.step < run.recipe.train.steps:
                return False
    return True


def describe(report: StepReport, valid: float | None, metric: str) -> str:
    """The figures beside the progress bar."""
    text = f"loss {report.loss:.3f}  {report.tokens_per_s:,.0f} tokens/s"
    return text if valid is None else f"{text}  {metric} {valid:.3f}"


def with_options(recipe: Recipe, data: tuple[str, ...], valid: tuple[str, ...], **settings: int | None) -> Recipe:
    """The recipe with the command line's choices in it."""
    texts = recipe.data
    if data:  # new training text does not go with the recipe's validation text
        texts = dataclasses.replace(texts, train=data, valid=())
    if valid:
        texts = dataclasses.replace(texts, valid=valid)
    given: dict[str, Any] = {name: value for name, value in settings.items() if value is not None}
    return dataclasses.replace(recipe, data=texts, train=dataclasses.replace(recipe.train, **given))


def set_threads(count: int) -> None:
    """Raise ConfigError for more threads than a process can have: torch would crash."""
    if count > LARGEST_THREADS:
        raise ConfigError(f"--threads {count}, wanted at most {LARGEST_THREADS}: the number of cores is enough")
    torch.set_num_threads(count)


def choose_device(name: str | None) -> torch.device:
    """The named device, or CUDA where there is one.  Raises ConfigError."""
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.zeros(1, device=device).item()  # fails on devices that are not there, and on `meta`, which holds nothing
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"--device {name}: {one_line(error)}") from error
    return device


def keep_log_up_to(log: Path, step: int) -> None:
    """Cut off the log lines of steps that a killed run did but did not save.

    The lines that stay are not written again, so that a kill at this moment cannot lose them.
    """
    if log.exists():
        with log.open("rb+") as file:
            file.truncate(sum(len(line) for line in islice(file, step) if line.endswith(b"\n")))


if __name__ == "__main__":
    main()
