"""AdamW as the recipes use it, and its rate at every step: up in a line, then slowly down."""

from __future__ import annotations

import math

import torch
from torch import nn

from rfa_models.recipes.train_config import TrainConfig


def build_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW; vectors such as biases, norms and sigma are not decayed."""
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for parameter in model.parameters():
        if parameter.dim() == 2:
            matrices.append(parameter)
        else:
            others.append(parameter)
    groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, config.beta2))


def learning_rate(step: int, config: TrainConfig) -> float:
    """The rate of a step counted from 0: linear warm-up, then half a cosine, or one over the root of the step."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    if config.schedule == "inverse-sqrt":  # [Vaswani et al. 2017, section 5.3]
        return config.learning_rate * math.sqrt(max(1, config.warmup_steps) / (step + 1))
    done = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    span = config.learning_rate - config.final_learning_rate
    return config.final_learning_rate + span * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


def check_moments(optimizer: torch.optim.Optimizer) -> None:
    """Raise ValueError where the moments of a weight, just loaded, are not of its shape: torch does not look."""
    for parameter, moments in optimizer.state.items():
        for name in ("exp_avg", "exp_avg_sq"):
            if moments[name].shape != parameter.shape:
                raise ValueError("the optimizer's state is of other weights")
