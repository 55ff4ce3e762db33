"""Noticing that a run has diverged, before its numbers reach a file."""

from __future__ import annotations

import math

import torch
from torch import nn

from rfa_models.errors import TrainingError
from rfa_models.recipes.train_config import TrainConfig
from rfa_models.training.distributed.spread import own_part
from rfa_models.training.run_files import RESTART


def check_finite(step: int, config: TrainConfig, **figures: float) -> None:
    """Raise TrainingError where one of the figures of a step, by name, is nan or infinite."""
    for name, value in figures.items():
        if not math.isfinite(value):
            raise diverged(step, f"the {name.replace('_', ' ')} is {value}", config)


@torch.no_grad()
def check_weights(step: int, config: TrainConfig, model: nn.Module) -> None:
    """Raise TrainingError where a model's weights, after so many steps, are not finite."""
    for name, parameter in model.named_parameters():
        if not own_part(parameter).isfinite().all():
            raise diverged(step, f"{name} holds values that are not finite", config)


def diverged(step: int, problem: str, config: TrainConfig) -> TrainingError:
    """The error that says what happened, and which settings to change."""
    return TrainingError(
        f"step {step}: {problem}: the run has diverged and was stopped, no model was written: lower learning_rate "
        f"(now {config.learning_rate:g}) or clip (now {config.clip:g}), or raise warmup_steps "
        f"(now {config.warmup_steps}), then start again with ",
        RESTART,
    )
