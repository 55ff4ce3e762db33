"""A model spread over processes: whole in each (DistributedDataParallel), or a part of every weight (FSDP2).

Either way one call lets something work on the model, and its backward pass leaves in every process the gradient that
the optimizer needs: the mean over all processes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from rfa_models.networks.kinds import KINDS, Model, task_of
from rfa_models.training import distributed
from rfa_models.training.distributed.world import World

T = TypeVar("T")


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
        lists = [getattr(model, name) for name in KINDS[task_of(model)].layers]
        distributed.shard(place, [layer for layers in lists for layer in layers])
        return place
    if world.size == 1:
        return place
    return DistributedDataParallel(place, forward_sync_buffers=False)


def adding_up(place: nn.Module, last: bool) -> AbstractContextManager[Any]:
    """Stands around a forward and backward pass.  Only the last one of a step exchanges the gradients of all."""
    if isinstance(place, DistributedDataParallel):
        return nullcontext() if last else place.no_sync()
    exchange = getattr(place, "set_requires_gradient_sync", None)  # FSDP2's
    if callable(exchange):
        exchange(last)
    return nullcontext()


def is_cut(value: Any) -> bool:
    """Whether a tensor lies in several processes: one of torch's DTensors."""
    return isinstance(value, Tensor) and hasattr(value, "full_tensor")


def whole(value: Any) -> Any:
    """Tables with every tensor that is cut over processes made whole, on the CPU.  All processes must call this."""
    if is_cut(value):
        return value.full_tensor().cpu()
    if isinstance(value, dict):
        return {key: whole(item) for key, item in value.items()}
    return value


def fitted(tensor: Tensor, parameter: Tensor) -> Tensor:
    """A whole tensor, cut where a weight is."""
    return distributed.cut_like(tensor, parameter) if is_cut(parameter) else tensor


def own_part(tensor: Any) -> Tensor:
    """What this process has of a tensor."""
    found: Tensor = tensor.to_local() if is_cut(tensor) else tensor
    return found


def give_weights(model: nn.Module, weights: dict[str, Tensor]) -> None:
    """Fill a model from whole weights, by name.  Raises KeyError or RuntimeError where names or shapes do not fit."""
    wanted = model.state_dict()
    cut = {name: fitted(tensor, wanted[name]) for name, tensor in weights.items()}
    model.load_state_dict(cut)


def give_moments(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Fill an optimizer from its whole state dict.  Raises whatever torch does where it does not fit."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    moments = {}
    for number, of_weight in state["state"].items():
        parameter = parameters[number]
        moments[number] = {
            name: fitted(value, parameter) if value.dim() else value for name, value in of_weight.items()
        }
    optimizer.load_state_dict(state | {"state": moments})
