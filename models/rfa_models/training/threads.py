"""How many threads a run may have.  No torch here: a wrong number is refused before torch is loaded."""

from __future__ import annotations

from rfa_models.errors import ConfigError
from rfa_runtime.wording import Setting

LARGEST_THREADS = 1024


def check_threads(count: int | None) -> None:
    """Raise ConfigError for more threads than a process can have, which torch would crash on, or for less than one."""
    if count is None or 1 <= count <= LARGEST_THREADS:
        return
    if count < 1:
        raise ConfigError(Setting("threads"), f" is {count}, wanted at least 1")
    raise ConfigError(
        Setting("threads"), f" is {count}, wanted at most {LARGEST_THREADS}: the number of cores is enough"
    )
