"""Where a run begins: anew, where it was stopped, or where it came to its end.

A model is only replaced by the run that wrote it, or where the caller says so.
"""

from __future__ import annotations

from rfa_models.checkpoints.output import check_free
from rfa_models.errors import ConfigError
from rfa_models.recipes.recipe import Recipe
from rfa_models.training.resume import read_progress
from rfa_models.training.run import TrainingRun
from rfa_models.training.run_files import RunFiles
from rfa_runtime.bundle.files import sha256
from rfa_runtime.wording import OVERWRITE, Setting

STEPS = Setting("steps")
"""Of the recipe; the command line may give others."""


def check_start(recipe: Recipe, files: RunFiles, overwrite: bool, restart: bool) -> None:
    """Raise ConfigError for a model that is in the way, before any data are read."""
    if overwrite or not files.model.exists():
        return
    found = files.resume if files.resume.exists() and not restart else files.further
    if not found.exists():
        check_free(files.model, overwrite)
    progress = read_progress(found)
    check_replaceable(progress.replaces, files, overwrite)
    if found == files.further and progress.done >= recipe.train.steps:
        raise ConfigError(
            f"{files.model} exists and was trained for {progress.done} steps, wanted {recipe.train.steps}: give more ",
            STEPS,
            " to train it further, another name, or ",
            OVERWRITE,
        )


def begin(run: TrainingRun, files: RunFiles, overwrite: bool) -> str:
    """Bring a new run to where it goes on.  Returns words for people, none where it begins anew.

    Raises CheckpointError for a file of another run.
    """
    steps = run.recipe.train.steps
    if files.resume.exists():
        run.restore(files.resume)
        return f"resuming {files.model} at step {run.done} of {steps}"
    if files.model.exists() and not overwrite:
        run.restore_finished(files.further)
        return f"training {files.model} further, from step {run.done} to {steps}"
    return ""


def check_replaceable(replaces: str | None, files: RunFiles, overwrite: bool) -> None:
    """Raise ConfigError where there is another model than the one that a run may replace.  replaces: its sha256."""
    if files.model.exists() and sha256(files.model) != replaces:
        check_free(files.model, overwrite)
