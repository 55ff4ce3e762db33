"""A model spread over processes: whole in each (DistributedDataParallel), or a part of every weight (FSDP2).

Either way one call lets something work on the model, and its backward pass leaves in every process the gradient that
the optimizer needs: the mean over all processes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.nn.parallel import DistributedDataParallel

from rfa_models.networks.kinds import KINDS, Model, task_of
from rfa_models.training.distributed.world import World

T = TypeVar("T")
OTHER_ENTRIES = ("read_source",)
"""Methods of layers that are called beside `forward`, and need the layer's weights too."""


class Workplace(nn.Module):
    """A model as one module whose forward pass is whatever somebody does with it: wrappers look at no other calls."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, work: Callable[[Model], T]) -> T:
        """Let something work on the model."""
        return work(self.model)


def spread(model: Model, world: World, sharded: bool) -> nn.Module:
    """A workplace for the model in all processes.  sharded: each keeps a part of every weight alone.

    The weights of process 0 count.  The optimizer must be built afterwards: with `sharded` the weights are others.
    """
    place = Workplace(model)
    if sharded:
        return shard(place)
    if world.size == 1:
        return place
    return DistributedDataParallel(place, forward_sync_buffers=False)


def shard(place: Workplace) -> nn.Module:
    """Cut the weights of every layer by itself, then those around the layers."""
    # Layers return their state as a view, which nobody changes in place.
    warnings.filterwarnings("ignore", message="FSDP2-wrapped module")
    for name in KINDS[task_of(place.model)].layers:
        for layer in getattr(place.model, name):
            fully_shard(layer)
            for method in OTHER_ENTRIES:
                if hasattr(layer, method):
                    register_fsdp_forward_method(layer, method)
    fully_shard(place, reshard_after_forward=True)
    return place


def adding_up(place: nn.Module, last: bool) -> AbstractContextManager[Any]:
    """Stands around a forward and backward pass.  Only the last one of a step exchanges the gradients of all."""
    if isinstance(place, FSDPModule):
        place.set_requires_gradient_sync(last)
    elif isinstance(place, DistributedDataParallel) and not last:
        return place.no_sync()
    return nullcontext()


def whole(value: Any) -> Any:
    """Tables with every tensor that is cut over processes made whole, on the CPU.  All processes must call this."""
    if isinstance(value, DTensor):
        return value.full_tensor().cpu()
    if isinstance(value, dict):
        return {key: whole(item) for key, item in value.items()}
    return value


def cut_like(tensor: Tensor, parameter: Tensor) -> Tensor:
    """A whole tensor, cut as a weight is, where it is."""
    if not isinstance(parameter, DTensor):
        return tensor
    return distribute_tensor(
        tensor.to(parameter.device), parameter.device_mesh, parameter.placements, src_data_rank=None
    )


def own_part(tensor: Tensor) -> Tensor:
    """What this process has of a tensor."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def give_weights(model: nn.Module, weights: dict[str, Tensor]) -> None:
    """Fill a model from whole weights, by name.  Raises RuntimeError where names or shapes do not fit."""
    wanted = model.state_dict()
    check_shapes(weights, wanted)
    cut = {name: cut_like(tensor, wanted[name]) for name, tensor in weights.items()}
    model.load_state_dict(cut)


def check_shapes(weights: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    """Raise ValueError where weights cannot be those of a model."""
    if weights.keys() != wanted.keys():
        raise ValueError("the weights are of another model")
    for name, tensor in weights.items():
        if tensor.shape != wanted[name].shape:
            raise ValueError(f"{name} has shape {tuple(tensor.shape)}, wanted {tuple(wanted[name].shape)}")


def give_moments(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Fill an optimizer from its whole state dict.  Raises whatever torch does where it does not fit."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    moments = {}
    for number, of_weight in state["state"].items():
        parameter = parameters[number]
        moments[number] = {
            name: cut_like(value, parameter) if value.dim() else value for name, value in of_weight.items()
        }
    optimizer.load_state_dict(state | {"state": moments})
