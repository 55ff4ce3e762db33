"""A finished model whose weights a new run starts from, on other data or with other settings of training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rfa_models.checkpoints.checkpoint import Checkpoint, load_checkpoint
from rfa_models.data.tokenizer import check_kind
from rfa_models.errors import ConfigError
from rfa_models.networks.kinds import Model
from rfa_models.recipes.recipe import Recipe
from rfa_models.wording import shown
from rfa_runtime.bundle.files import sha256

MAY_DIFFER = ("dropout", "max_tokens", "pool_size", "seed", "gate_bias", "chunk")
"""Settings of a model, and of its attention, that no weight depends on."""


@dataclass(frozen=True)
class StartingFile:
    """What is kept of the file once its weights have been taken."""

    name: str
    sha256: str


@dataclass(frozen=True)
class StartingModel:
    """Where the weights come from."""

    file: StartingFile
    checkpoint: Checkpoint

    def give_weights(self, model: Model) -> None:
        """Put the weights, and the random matrices of evaluation, into a new model.

        Raises ConfigError where the recipe describes another model.
        """
        trained = self.checkpoint.model
        for name, wanted, found in differences(asdict(model.config), asdict(trained.config)):
            raise ConfigError(
                f"model.{name} is {shown(wanted)}, {self.file.name} was trained with {shown(found)}: "
                "set it to that in the recipe"
            )
        model.load_state_dict(trained.state_dict())


def read_start(path: Path, recipe: Recipe) -> StartingModel:
    """Read the model that a recipe is to start from.

    Raises ConfigError where it is for another task, or the recipe asks for another kind of tokenizer; CheckpointError
    for what is no checkpoint; OSError as `open` does.
    """
    checkpoint = load_checkpoint(path)
    if checkpoint.task != recipe.task:
        raise ConfigError(f"{path} is for the task {checkpoint.task!r}, the recipe for {recipe.task!r}: take another")
    check_kind(checkpoint.tokenizer, recipe.tokenizer, path)
    return StartingModel(StartingFile(path.name, sha256(path)), checkpoint)


def differences(recipe: dict[str, Any], trained: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Settings that differ and may not: their dotted names, and both values."""
    for name, wanted in recipe.items():
        found = trained[name]
        if isinstance(wanted, dict):
            for inner, here, there in differences(wanted, found):
                yield f"{name}.{inner}", here, there
        elif name not in MAY_DIFFER and wanted != found:
            yield name, wanted, found
