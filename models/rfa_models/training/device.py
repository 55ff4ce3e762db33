"""Where a run computes, and with how many threads."""

from __future__ import annotations

import torch

from rfa_models.errors import ConfigError
from rfa_models.training.distributed.environment import is_joined, number_on_machine
from rfa_models.wording import one_line
from rfa_runtime.errors import OptionError
from rfa_runtime.threads import check_threads, usable_cores
from rfa_runtime.wording import Setting

WORK_OF_A_THREAD = 100_000_000
"""Parameters times tokens that are worth a thread."""


def choose_device(name: str | None) -> torch.device:
    """The named device, or else CUDA where there is one.  Raises ConfigError for a device that cannot compute.

    Of several processes on a machine each takes the GPU of its own number, unless the name has a number.
    """
    wanted = name or ("cuda" if torch.cuda.is_available() else "cpu")
    if wanted == "cuda" and is_joined():
        wanted = f"cuda:{number_on_machine()}"
    try:
        device = torch.device(wanted)
        torch.zeros(1, device=device).item()  # fails on devices that are not there, and on `meta`, which holds nothing
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(Setting("device"), f" is {wanted!r}: {one_line(error)}") from error
    return device


def set_threads(count: int) -> None:
    """Set torch's threads.  Raises ConfigError for more than 256; warns where there are fewer cores."""
    try:
        torch.set_num_threads(check_threads(count))
    except OptionError as error:
        raise ConfigError(*error.parts) from error


def threads_that_pay(parameters: int, tokens: int, processes: int = 1) -> int:
    """Return how many threads to train with where nobody says it.

    parameters: of the model.  tokens: of a batch.  The work of a step is about 6 times their product, in operations.
    processes: how many share the work and the cores.
    Two threads that sleep while they wait took 1.1 to 1.4 times as long as one where the product was 17 million, 1.1
    with 60, 0.8 to 0.9 with 240, 0.7 to 0.9 with 3,400 million.
    """
    pay = min(usable_cores(), parameters * tokens // WORK_OF_A_THREAD)
    return max(1, pay // processes)
