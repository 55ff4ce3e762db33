"""Where a run computes, and with how many threads."""

from __future__ import annotations

import torch

from rfa_models.errors import ConfigError
from rfa_models.wording import one_line
from rfa_runtime.wording import Setting

LARGEST_THREADS = 1024


def choose_device(name: str | None) -> torch.device:
    """The named device, or else CUDA where there is one.  Raises ConfigError for a device that cannot compute."""
    wanted = name or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        torch.zeros(1, device=device).item()  # fails on devices that are not there, and on `meta`, which holds nothing
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(Setting("device"), f" is {wanted!r}: {one_line(error)}") from error
    return device


def set_threads(count: int) -> None:
    """Set torch's threads.  Raises ConfigError for more of them than a process can have: torch would crash."""
    if count > LARGEST_THREADS:
        raise ConfigError(
            Setting("threads"), f" is {count}, wanted at most {LARGEST_THREADS}: the number of cores is enough"
        )
    torch.set_num_threads(count)
