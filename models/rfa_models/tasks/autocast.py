"""Number formats of the large products: `precision` of a recipe or of a conversion."""

from __future__ import annotations

import contextlib
from typing import Any

import torch

from rfa_models.errors import ConfigError
from rfa_models.recipes.train_config import Precision


def autocast(precision: Precision, device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """Run large products in a precision."""
    if precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=getattr(torch, precision))


def check_precision(precision: Precision, device: torch.device) -> None:
    """float16 needs loss scaling on CUDA.  Raises ConfigError elsewhere."""
    if precision == "float16" and device.type != "cuda":
        raise ConfigError("precision = 'float16' needs a CUDA device: use 'bfloat16' or 'float32' here")
