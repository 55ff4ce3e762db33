"""`NAME.resume`: where a stopped run goes on, and the proof that it is the same run.

Its entries:

    format            "rfa-training-run"
    recipe            fingerprint of the settings
    text              fingerprint of the tokens trained and measured on, and of their tokenizer
    done              steps done
    valid_METRIC      the task's figure as last measured, or None: valid_perplexity, valid_accuracy
    carried           of a stateful language model only: the state of each layer, or None
    model, optimizer, scaler
                      their state dicts
    pool_rng, torch_rng, device_rng
                      states of the random generators, the last one None without CUDA

It is read as warily as a checkpoint (`untrusted.py`).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from types import NoneType
from typing import Any

from torch import Tensor

from rfa_models.checkpoints.untrusted import read_tables
from rfa_models.errors import CheckpointError
from rfa_models.recipes.recipe import Recipe
from rfa_models.whole_files import save_atomically

FORMAT = "rfa-training-run"
ENTRIES: dict[str, type | tuple[type, ...]] = {
    "recipe": str,
    "text": str,
    "done": int,
    "model": dict,
    "optimizer": dict,
    "scaler": dict,
    "pool_rng": Tensor,
    "torch_rng": Tensor,
    "device_rng": (Tensor, NoneType),
}


def write_resume_point(path: Path, recipe: str, text: str, state: dict[str, Any]) -> None:
    """Write a run's state, whole or not at all.  recipe, text: their fingerprints.  Raises OSError."""
    save_atomically({"format": FORMAT, "recipe": recipe, "text": text} | state, path)


def read_resume_point(path: Path, recipe: str, text: str, metric: str) -> dict[str, Any]:
    """Read the state of the run with these fingerprints.  metric: name of its figure.

    Raises CheckpointError where the file is damaged, or of another recipe or text; OSError as `open` does.
    """
    table = read_tables(path, FORMAT)
    for key, wanted in (ENTRIES | {f"valid_{metric}": (float, NoneType)}).items():
        if key not in table or not isinstance(table[key], wanted):
            raise damaged(path, f"its {key!r} is missing or of a wrong type")
    if table["recipe"] != recipe:
        raise CheckpointError(f"{path}: belongs to a run with other settings: restore the recipe, or use --restart")
    if table["text"] != text:
        raise CheckpointError(f"{path}: the text has changed since: restore it, or use --restart")
    return table


def damaged(path: Path, problem: str) -> CheckpointError:
    """The error of a resume file that cannot be what `write_resume_point` wrote."""
    return CheckpointError(f"{path}: {problem}, the file is damaged or of another version: use --restart")


def recipe_fingerprint(recipe: Recipe) -> str:
    """Equal for recipes that give the same run on the same text.

    How often the run is measured and saved does not count, nor where its data lie: the text has its own fingerprint.
    """
    table = asdict(recipe)
    for key in ("evaluate_every", "checkpoint_every", "checkpoint_seconds"):
        del table["train"][key]
    for key in ("train", "valid"):
        del table["data"][key]
    return hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()
