"""AdamW as the recipes use it."""

from __future__ import annotations

import torch
from torch import nn

from rfa_models.recipes.train_config import TrainConfig


def build_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW; vectors such as biases, norms and sigma are not decayed."""
    matrices = [p for p in model.parameters() if p.dim() == 2]
    others = [p for p in model.parameters() if p.dim() != 2]
    groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, config.beta2))


def check_moments(optimizer: torch.optim.Optimizer) -> None:
    """Raise ValueError where the moments of a weight, just loaded, are not of its shape: torch does not look."""
    for parameter, moments in optimizer.state.items():
        if any(moments[name].shape != parameter.shape for name in ("exp_avg", "exp_avg_sq")):
            raise ValueError("the optimizer's state is of other weights")
