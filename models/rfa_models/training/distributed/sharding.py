"""Weights of which every process keeps a part (FSDP2)."""

from __future__ import annotations

import warnings

from torch import Tensor, nn
from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, distribute_tensor

OTHER_ENTRIES = ("read_source",)
"""Methods of layers that are called beside `forward`, and need the layer's weights too."""


def shard(place: nn.Module, layers: list[nn.Module]) -> None:
    """Cut the weights of every layer by itself, then those around the layers."""
    # Layers return their state as a view, which nobody changes in place.
    warnings.filterwarnings("ignore", message="FSDP2-wrapped module")
    for layer in layers:
        fully_shard(layer)
        for method in OTHER_ENTRIES:
            if hasattr(layer, method):
                register_fsdp_forward_method(layer, method)
    fully_shard(place, reshard_after_forward=True)


def cut_like(tensor: Tensor, parameter: Tensor) -> Tensor:
    """A whole tensor, cut as a weight is, where it is."""
    assert isinstance(parameter, DTensor)
    mesh = parameter.device_mesh
    return distribute_tensor(tensor.to(parameter.device), mesh, parameter.placements, src_data_rank=None)
