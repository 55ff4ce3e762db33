"""Number formats of the large products: the recipe's `precision`."""

from __future__ import annotations

import contextlib
from typing import Any

import torch

from rfa_models.errors import ConfigError
from rfa_models.recipes.train_config import TrainConfig


def autocast(config: TrainConfig, device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """Run large products in the recipe's precision."""
    if config.precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=getattr(torch, config.precision))


def check_precision(config: TrainConfig, device: torch.device) -> None:
    """float16 needs loss scaling on CUDA.  Raises ConfigError elsewhere."""
    if config.precision == "float16" and device.type != "cuda":
        raise ConfigError("precision = 'float16' needs a CUDA device: use 'bfloat16' or 'float32' here")
