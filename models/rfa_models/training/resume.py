"""`NAME.resume` and `NAME.further`: where a stopped or finished run goes on, and the proof that it is the same run.

Their entries:

    format            "rfa-training-run"
    recipe            fingerprint of the settings
    text              fingerprint of the tokens trained and measured on, and of their tokenizer
    done              steps done
    replaces          sha256 of the model that the run wrote when it last came to an end, and may replace; None before
    valid_METRIC      the task's figure as last measured, or None: valid_perplexity, valid_accuracy
    carried           of a stateful language model only: the state of each layer, or None
    model, optimizer, scaler
                      their state dicts
    pool_rng, torch_rng, device_rng
                      states of the random generators, the last one None without CUDA

They are read as warily as a checkpoint (`untrusted.py`).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from types import NoneType
from typing import Any, NamedTuple

from torch import Tensor

from rfa_models.checkpoints.untrusted import read_tables
from rfa_models.checks import LARGEST_COUNT
from rfa_models.errors import CheckpointError
from rfa_models.recipes.recipe import Recipe
from rfa_models.training.run_files import FURTHER, RESTART
from rfa_models.whole_files import save_atomically
from rfa_models.wording import shown
from rfa_runtime.wording import OVERWRITE, Setting

FORMAT = "rfa-training-run"
ENTRIES: dict[str, type | tuple[type, ...]] = {
    "recipe": str,
    "text": str,
    "done": int,
    "replaces": (str, NoneType),
    "model": dict,
    "optimizer": dict,
    "scaler": dict,
    "pool_rng": Tensor,
    "torch_rng": Tensor,
    "device_rng": (Tensor, NoneType),
}


class Progress(NamedTuple):
    """How far a run is."""

    done: int
    """Steps."""
    replaces: str | None
    """sha256 of the model that it may replace."""


def write_resume_point(path: Path, recipe: str, text: str, state: dict[str, Any]) -> None:
    """Write a run's state, whole or not at all.  recipe, text: their fingerprints.  Raises OSError."""
    save_atomically({"format": FORMAT, "recipe": recipe, "text": text} | state, path)


def read_resume_point(path: Path, recipe: str, text: str, metric: str) -> dict[str, Any]:
    """Read the state of the run with these fingerprints.  metric: name of its figure.

    Raises CheckpointError where the file is damaged, or of another recipe or text; OSError as `open` does.
    """
    table = read_file(path)
    table.setdefault("replaces", None)  # an older version did not write it
    for key, wanted in (ENTRIES | {f"valid_{metric}": (float, NoneType)}).items():
        if key not in table or not isinstance(table[key], wanted):
            raise damaged(path, f"its {key!r} is missing or of a wrong type")
    if table["recipe"] != recipe:
        raise CheckpointError(
            f"{path}: belongs to a run with other settings: restore the recipe, or use ", way_out(path)
        )
    if table["text"] != text:
        raise CheckpointError(f"{path}: the text has changed since: restore it, or use ", way_out(path))
    return table


def read_progress(path: Path) -> Progress:
    """Read how far a run is, whatever run it is.  Raises CheckpointError where the file is damaged, or OSError."""
    table = read_file(path)
    done = table.get("done")
    if type(done) is not int or not 1 <= done <= LARGEST_COUNT:
        raise damaged(path, f"its steps are {shown(done)}")
    return Progress(done, table.get("replaces"))


def read_file(path: Path) -> dict[str, Any]:
    """Read what `write_resume_point` wrote.  Raises CheckpointError where the file is none of these, or OSError."""
    try:
        return read_tables(path, FORMAT)
    except CheckpointError as error:
        raise CheckpointError(f"{error}, or use {way_out(path)}") from error


def damaged(path: Path, problem: str) -> CheckpointError:
    """The error of a file that cannot be what `write_resume_point` wrote."""
    return CheckpointError(f"{path}: {problem}, the file is damaged or of another version: use ", way_out(path))


def way_out(path: Path) -> Setting:
    """The setting that begins anew: a stopped run is thrown away, a finished one is overwritten."""
    return OVERWRITE if path.suffix == FURTHER else RESTART


def recipe_fingerprint(recipe: Recipe, start: str | None = None) -> str:
    """Equal for recipes that give the same run on the same text.  start: sha256 of the model that it starts from.

    How often the run is measured and saved does not count, nor where its data lie: the text has its own fingerprint.
    """
    table = asdict(recipe)
    if start is not None:
        table["start"] = start
    for key in ("evaluate_every", "checkpoint_every", "checkpoint_seconds"):
        del table["train"][key]
    for key in ("train", "valid"):
        del table["data"][key]
    return hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()
