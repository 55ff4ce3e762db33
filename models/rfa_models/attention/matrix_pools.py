"""Other random matrices for every training step, so that the model does not lean on one draw."""

from __future__ import annotations

import torch
from torch import nn

from rfa_models.attention.random_features import RandomFeatures
from rfa_models.attention.random_matrices import draw_pool, take


class MatrixPools:
    """One pool for all layers of the same attention config; a model may have several."""

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        """Draw the pools that a model's layers ask for."""
        self._groups = [(layers, draw_pool(layers[0].config).to(device)) for layers in layers_by_config(model)]

    def resample(self, rng: torch.Generator) -> None:
        """Give every RFA layer matrices for the next step [reference code, `utils.py`]."""
        for layers, pool in self._groups:
            drawn = take(pool, len(layers), layers[0].config.heads, rng)
            for layer, matrices in zip(layers, drawn, strict=True):
                layer.training_matrices = matrices


def layers_by_config(model: nn.Module) -> list[list[RandomFeatures]]:
    """All RFA layers inside a module in order, those of one config together."""
    groups: dict[object, list[RandomFeatures]] = {}
    for module in model.modules():
        if isinstance(module, RandomFeatures):
            groups.setdefault(module.config, []).append(module)
    return list(groups.values())
