"""When a run is saved: after its first step, then by steps and by time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rfa_models.recipes.train_config import TrainConfig

LARGEST_SHARE = 0.05
"""Of the time, what saving may take where time alone asks for it: large models are saved less often."""


class SaveTimes:
    """Says when the next resume point is due."""

    def __init__(self, config: TrainConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self._clock = clock
        self._next = clock()
        """A moment of the clock.  The first save is due at once: it also shows that there is room on the disk."""

    def due(self, step: int) -> bool:
        """Whether to save after so many steps."""
        return step % self._config.checkpoint_every == 0 or self._clock() >= self._next

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Stands around a save, and measures it."""
        started = self._clock()
        yield
        ended = self._clock()
        pause = (ended - started) / LARGEST_SHARE
        self._next = ended + max(self._config.checkpoint_seconds, pause)
