"""A recipe in, a model on the disk out: what `rfa-train` does, and `train_recipe` in Python.

Beside the model lie NAME.log.jsonl, one line per step, and NAME.resume while the run lasts, NAME.further once it is
over.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rfa_models.checkpoints.checkpoint import save_checkpoint
from rfa_models.checkpoints.output import reserved_output
from rfa_models.errors import ConfigError
from rfa_models.recipes.recipe import Recipe
from rfa_models.training.device import choose_device, set_threads, threads_that_pay
from rfa_models.training.distributed.world import World, joined_world
from rfa_models.training.run import StepReport, TrainingRun
from rfa_models.training.run_files import RunFiles
from rfa_models.training.save_times import SaveTimes
from rfa_models.training.starting_point import begin, check_replaceable, check_start
from rfa_models.training.stop_request import StopRequest
from rfa_runtime.bundle.files import sha256
from rfa_runtime.bundle.places import check_readable
from rfa_runtime.wording import Setting


@dataclass(frozen=True)
class Trained:
    """What a call of `train_recipe` came to."""

    model: Path
    """Where the model is, or will be once the run has finished."""
    finished: bool
    """False where Ctrl-C or `kill` stopped the run: the same call goes on from there."""
    steps: int
    """Steps done."""
    metric: str
    """Name of the figure: perplexity or accuracy."""
    valid: float | None
    """The figure on the validation data, as last measured."""
    parameters: int

    def as_table(self) -> dict[str, Any]:
        """What `rfa-train --json` prints; the names are a contract."""
        return {
            "model": str(self.model),
            "steps": self.steps,
            f"valid_{self.metric}": self.valid,
            "parameters": self.parameters,
        }

    def as_line(self) -> str:
        """The same of a finished run for people."""
        return f"{self.model}: validation {self.metric} {self.valid:.3f}"


def train_recipe(
    recipe: Recipe,
    output: str | Path,
    *,
    device: str | None = None,
    threads: int | None = None,
    overwrite: bool = False,
    restart: bool = False,
    start_from: str | Path | None = None,
    fsdp: bool = False,
    console: Console | None = None,
) -> Trained:
    """Train what a recipe describes and write it to `output`; go on with a run that was stopped there.

    A run that finished there goes on too, where the recipe has more steps than it had.
    device: `cpu`, `cuda`, `cuda:1`, ...; CUDA where there is one by default.  overwrite: replace a finished model.
    restart: begin again in place of going on with a stopped run.  start_from: a model of the same shape, whose weights
    and tokenizer a new run starts from.  threads: of the CPU; as many as pay for the model's size by default.
    console: shows messages and a progress bar; quiet by default.

    In a process that torchrun has started, all its processes train the one model together: each reads its share of
    every batch, process 0 writes the files.  fsdp: each keeps a part of every weight alone, for models that no single
    device can hold.
    Raises ConfigError, DataError, TrainingError where the run diverges, CheckpointError for a resume file of another
    run, LostProcessError where another process of the training has ended, or OSError: also OutputBusyError, where
    another training writes to `output`.
    """
    files = RunFiles(Path(output))
    if threads is not None:
        set_threads(threads)
    check_readable(*recipe.data.files(), start_from)
    with joined_world(choose_device(device)) as world:
        console = console if console is not None and world.leads else Console(quiet=True)
        if fsdp and world.size == 1:
            raise ConfigError(Setting("fsdp"), " cuts a model over processes, and this is one: start several")
        with output_of_all(files.model, world):
            if world.leads:
                check_start(recipe, files, overwrite, restart)
            world.wait()
            with console.status("read the data and learn the tokenizer"):
                run = TrainingRun(recipe, choose_device(device), start_from, world, fsdp)
            if threads is None and run.device.type == "cpu":
                set_threads(threads_that_pay(run.parameters, run.batch_tokens, world.on_this_machine))
            if restart and world.leads:
                files.resume.unlink(missing_ok=True)
            world.wait()
            return train(run, files, overwrite, console)


@contextmanager
def output_of_all(model: Path, world: World) -> Iterator[None]:
    """Keep the model's place for the processes of one training.  Raises as `reserved_output` does."""
    if not world.leads:
        yield
        return
    with reserved_output(model, overwrite=True):  # whether a model there is in the way, `check_start` knows
        yield


def train(run: TrainingRun, files: RunFiles, overwrite: bool, console: Console) -> Trained:
    """Begin a run or go on with it; write the model where it comes to its end."""
    going_on = begin(run, files, overwrite)
    run.world.agree_on("resume point", str(run.done))
    if going_on:
        console.print(going_on)
    if run.world.leads:
        keep_log_up_to(files.log, run.done)
    together = f", {run.world.size} processes" if run.world.size > 1 else ""
    console.print(f"{run.parameters:,} parameters, {run.task.summary}, on {run.device}{together}")
    finished = follow(run, files, console)
    if finished:
        finish(run, files, overwrite)
    return Trained(files.model, finished, run.done, run.task.metric, run.valid, run.parameters)


def finish(run: TrainingRun, files: RunFiles, overwrite: bool) -> None:
    """Write the model, and what it takes to train it further.

    A model that somebody else has put there in the meantime is not replaced: ConfigError is raised, and the run is
    saved as one that was stopped.
    """
    run.save(files.resume)
    checkpoint = run.checkpoint()
    if run.world.leads:
        check_replaceable(run.replaces, files, overwrite)
        save_checkpoint(checkpoint, files.model)
        run.replaces = sha256(files.model)
    run.save(files.further)
    if run.world.leads:
        files.resume.unlink()


def follow(run: TrainingRun, files: RunFiles, console: Console) -> bool:
    """Train with a progress bar, a log and resume points; False when stopped by Ctrl-C before the end."""
    config = run.recipe.train
    metric = run.task.metric
    stop = StopRequest()
    saves = SaveTimes(config)
    log = files.log if run.world.leads else Path(os.devnull)
    with progress_bar(console) as bar, log.open("a") as lines, stop:
        task = bar.add_task("", total=config.steps, completed=run.done)
        for report in run.steps():
            lines.write(json.dumps(report.as_table(metric)) + "\n")
            bar.update(task, completed=report.step, description=describe(report, run.valid, metric))
            if report.valid is not None:
                console.print(f"step {report.step}: validation {metric} {report.valid:.3f}")
            stopping, saving = run.world.any_of([stop.requested, saves.due(report.step)])
            if saving or stopping:
                lines.flush()
                with saves.saving():
                    run.save(files.resume)
            if stopping and report.step < config.steps:
                return False
    return True


def progress_bar(console: Console) -> Progress:
    """The bar, the steps done, the figures of the last step, and the time left."""
    return Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def describe(report: StepReport, valid: float | None, metric: str) -> str:
    """The figures beside the progress bar."""
    text = f"loss {report.loss:.3f}  {report.tokens_per_s:,.0f} tokens/s"
    return text if valid is None else f"{text}  {metric} {valid:.3f}"


def keep_log_up_to(log: Path, step: int) -> None:
    """Cut off the log lines of steps that a killed run did but did not save.

    The lines that stay are not written again, so that a kill at this moment cannot lose them.
    """
    if not log.exists():
        return
    with log.open("rb+") as file:
        kept = 0
        for line in islice(file, step):
            if line.endswith(b"\n"):
                kept += len(line)
        file.truncate(kept)
