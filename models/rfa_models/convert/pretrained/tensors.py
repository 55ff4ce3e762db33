"""From the tensors of somebody's file to a model of ours: every tensor has its place, and none is left over."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from rfa_models.checkpoints.tensors import HEAD, stored_tensors
from rfa_models.convert.pretrained.architecture import Architecture, Row, rows_of_blocks
from rfa_models.convert.pretrained.source import TensorSource
from rfa_models.errors import CheckpointError
from rfa_models.networks.language_model import LanguageModel
from rfa_models.networks.language_model_config import ModelConfig
from rfa_models.wording import shown

TIED_HEAD = ("lm_head.weight", "output.weight")
"""Files of models whose head is the embedding may hold it twice."""
SHOWN = 3
"""Names that an error lists."""


def load_model(architecture: Architecture, config: ModelConfig, source: TensorSource) -> LanguageModel:
    """Build the model around a file's tensors.

    Raises CheckpointError where tensors are missing, left over or of other shapes than the config wants.
    """
    theirs = names_in(source, architecture)
    if config.layers > len(theirs):  # before so many are built
        raise CheckpointError(
            f"{source.path}: its config says {config.layers:,} layers, it has {len(theirs):,} tensors"
        )
    rows = rows_of_blocks(architecture.rows(config), config.layers)
    check_names(rows, theirs, architecture, config, source)
    with torch.device("meta"):
        model = LanguageModel(config)
    wanted = stored_tensors(model)
    state: dict[str, Tensor] = {}
    for row in rows:
        tensor = source.read(theirs[row.theirs])
        for name, part in zip(row.ours, changed(row, tensor, config, source), strict=True):
            if part.shape != wanted[name].shape:
                raise CheckpointError(
                    f"{source.path}: tensor {row.theirs!r} has shape {tuple(tensor.shape)}, which gives "
                    f"{name!r} the shape {tuple(part.shape)}, its config wants {tuple(wanted[name].shape)}"
                )
            if not part.isfinite().all():
                raise CheckpointError(f"{source.path}: tensor {row.theirs!r} holds numbers that are not finite")
            state[name] = part.float().contiguous()
    if config.tie_embeddings:
        state[HEAD] = state["embedding.weight"]
    model.load_state_dict(state, assign=True)
    if config.tie_embeddings:
        model.head.weight = model.embedding.weight
    return model.eval()


def changed(row: Row, tensor: Tensor, config: ModelConfig, source: TensorSource) -> Sequence[Tensor]:
    """Our tensors made of theirs.  Raises CheckpointError where its shape does not allow that."""
    try:
        return row.change(tensor, config)
    except (RuntimeError, IndexError) as error:
        raise CheckpointError(
            f"{source.path}: tensor {row.theirs!r} has shape {tuple(tensor.shape)}, which its config does not allow"
        ) from error


def names_in(source: TensorSource, architecture: Architecture) -> dict[str, str]:
    """The names that a file has, by the names of the table: some files leave a first word out."""
    found = {}
    for name in source.names():
        found[name.removeprefix(architecture.prefix)] = name
    return found


def check_names(
    rows: list[Row], theirs: dict[str, str], architecture: Architecture, config: ModelConfig, source: TensorSource
) -> None:
    """Raise CheckpointError where a tensor is missing, or where one would be left out."""
    wanted = {row.theirs for row in rows}
    missing = sorted(wanted - theirs.keys())
    if missing:
        raise CheckpointError(f"{source.path}: {listed(missing)} missing: is a file of the model not there?")
    ignored = architecture.ignored
    if config.tie_embeddings:
        ignored = (*ignored, *TIED_HEAD)
    rest = sorted(name for name in theirs.keys() - wanted if not name.endswith(ignored))
    if rest:
        raise CheckpointError(f"{source.path}: {listed(rest)} of no known use: the model is of another architecture")


def listed(names: list[str]) -> str:
    """A few names, and how many more there are."""
    words = ", ".join(map(shown, names[:SHOWN]))
    more = len(names) - SHOWN
    if more > 0:
        words += f" and {more} more"
    return f"tensor {words} is" if len(names) == 1 else f"tensors {words} are"
