"""From a model to the tensors of its file and back; tensors of a file come from a stranger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rfa_models.errors import CheckpointError
from rfa_models.networks.kinds import KINDS, Model, ModelKind, task_of
from rfa_models.networks.wrappers import plain_name
from rfa_models.wording import shown

HEAD = "head.weight"


def build_model(kind: ModelKind, config: Any, tensors: dict[str, Tensor], path: Path) -> Model:
    """Make the model around the file's tensors, which takes no memory besides.  Raises CheckpointError."""
    check_layers(kind, config, tensors, path)
    with torch.device("meta"):
        model = kind.model(config)
    tied_to = tied_embedding(model)
    if tied_to is not None:
        tensors = without_second_head(tensors, tied_to, path)
    check_shapes(tensors, stored_tensors(model), path)
    # float() also undoes a checkpoint stored in half precision to save space.
    state = {name: tensor.detach().float().contiguous() for name, tensor in tensors.items()}
    if tied_to is not None:
        state[HEAD] = state[tied_to]
    model.load_state_dict(state, assign=True)
    if tied_to is not None:
        model.head.weight = model.get_parameter(tied_to)
    return model


def without_second_head(tensors: dict[str, Tensor], tied_to: str, path: Path) -> dict[str, Tensor]:
    """The tensors without a head that is equal to the embedding.  Raises CheckpointError where it is another."""
    rest = dict(tensors)
    head = rest.pop(HEAD, None)
    if head is not None and not torch.equal(head.float(), rest.get(tied_to, torch.empty(0)).float()):
        raise CheckpointError(
            f"{path}: tensor {HEAD!r} is not equal to {tied_to!r}, with which its config ties it: "
            "set tie_embeddings to False"
        )
    return rest


def check_layers(kind: ModelKind, config: Any, tensors: dict[str, Tensor], path: Path) -> None:
    """Raise CheckpointError where the config wants more or fewer layers than there are: before they are built."""
    for part, setting in kind.layers.items():
        wanted = getattr(config, setting)
        found = count_layers(part, tensors)
        if found != wanted:
            raise CheckpointError(f"{path}: config says {wanted} {setting}, the tensors are of {found}")


def count_layers(part: str, tensors: dict[str, Tensor]) -> int:
    """How many layers of a list there are tensors of.  A tensor's name is PART.NUMBER.REST."""
    numbers = set()
    for name in tensors:
        if name.startswith(f"{part}."):
            numbers.add(name.split(".")[1])
    return len(numbers)


def check_shapes(tensors: dict[str, Tensor], expected: dict[str, Tensor], path: Path) -> None:
    """Raise CheckpointError unless there are the expected tensors, each in its shape, and no others."""
    for name in sorted(expected.keys() ^ tensors.keys()):
        problem = "missing" if name in expected else "not of this model"
        raise CheckpointError(f"{path}: tensor {shown(name)} is {problem}: the file is damaged or edited")
    for name, tensor in expected.items():
        if tensors[name].shape != tensor.shape:
            raise CheckpointError(
                f"{path}: tensor {name!r} has shape {tuple(tensors[name].shape)}, "
                f"its config wants {tuple(tensor.shape)}"
            )


def stored_tensors(model: Model) -> dict[str, Tensor]:
    """The tensors that a checkpoint holds; a tied head is stored once, and parts in a wrapper by their own names."""
    tensors = {plain_name(name): tensor.detach() for name, tensor in model.state_dict().items()}
    if tied_embedding(model):
        del tensors[HEAD]
    return tensors


def tied_embedding(model: Model) -> str | None:
    """Name of the weight that the head shares; None where the head has a weight for itself."""
    if not getattr(model.config, "tie_embeddings", False):
        return None
    return KINDS[task_of(model)].embedding
