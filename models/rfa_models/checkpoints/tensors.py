"""Between a model and the tensors in its file, which are those of a stranger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rfa_models.errors import CheckpointError
from rfa_models.networks.kinds import KINDS, Model, ModelKind, task_of
from rfa_models.wording import shown

HEAD = "head.weight"


def build_model(kind: ModelKind, config: Any, tensors: dict[str, Tensor], path: Path) -> Model:
    """Make the model around the file's tensors, without memory of its own.  Raises CheckpointError."""
    for part, setting in kind.layers.items():  # before as many are built
        wanted, found = getattr(config, setting), layers_of(part, tensors)
        if found != wanted:
            raise CheckpointError(f"{path}: config says {wanted} {setting}, the tensors are of {found}")
    with torch.device("meta"):
        model = kind.model(config)
    check_shapes(tensors, {name: tensor.shape for name, tensor in stored_tensors(model).items()}, path)
    # float() also undoes a checkpoint stored in half precision to save space.
    state = {name: tensor.detach().float() for name, tensor in tensors.items()}
    if tied_to := tied_embedding(model):
        state[HEAD] = state[tied_to]
    model.load_state_dict(state, assign=True)
    if tied_to:
        model.head.weight = model.get_parameter(tied_to)
    return model


def layers_of(part: str, tensors: dict[str, Tensor]) -> int:
    """How many layers of a list there are tensors of."""
    return len({name.split(".")[1] for name in tensors if name.startswith(f"{part}.")})


def check_shapes(tensors: dict[str, Tensor], expected: dict[str, torch.Size], path: Path) -> None:
    """The tensors that the config asks for, each of its shape, and no others.  Raises CheckpointError."""
    for name in sorted(expected.keys() ^ tensors.keys()):
        problem = "missing" if name in expected else "not of this model"
        raise CheckpointError(f"{path}: tensor {shown(name)} is {problem}: the file is damaged or edited")
    for name, shape in expected.items():
        if tensors[name].shape != shape:
            raise CheckpointError(
                f"{path}: tensor {name!r} has shape {tuple(tensors[name].shape)}, its config wants {tuple(shape)}"
            )


def stored_tensors(model: Model) -> dict[str, Tensor]:
    """The tensors that a checkpoint holds; a tied head is stored once."""
    tensors = {name: tensor.detach() for name, tensor in model.state_dict().items()}
    if tied_embedding(model):
        del tensors[HEAD]
    return tensors


def tied_embedding(model: Model) -> str | None:
    """Name of the weight that the head shares, where it does."""
    return KINDS[task_of(model)].embedding if getattr(model.config, "tie_embeddings", False) else None
