"""Where a run computes."""

from __future__ import annotations

import torch

from rfa_models.errors import ConfigError
from rfa_models.wording import one_line
from rfa_runtime.wording import Setting


def choose_device(name: str | None) -> torch.device:
    """The named device, or else CUDA where there is one.  Raises ConfigError for a device that cannot compute."""
    wanted = name or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        torch.zeros(1, device=device).item()  # fails on devices that are not there, and on `meta`, which holds nothing
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(Setting("device"), f" is {wanted!r}: {one_line(error)}") from error
    return device
