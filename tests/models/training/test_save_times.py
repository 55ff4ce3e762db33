"""A run is saved at once, then by steps and by time, and saving stays cheap."""

from __future__ import annotations

from collections.abc import Iterable

from rfa_models.recipes.train_config import TrainConfig
from rfa_models.training.save_times import SaveTimes


class Clock:
    """Shows the seconds that it was set to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def saved_steps(config: TrainConfig, seconds: Iterable[float], cost: float = 0.0) -> list[int]:
    """The steps after which a run is saved.  seconds: that each step takes.  cost: seconds of a save."""
    clock = Clock()
    times = SaveTimes(config, clock)
    saved = []
    for step, duration in enumerate(seconds, 1):
        clock.now += duration
        if times.due(step):
            with times.saving():
                clock.now += cost
            saved.append(step)
    return saved


def test_fast_steps_are_saved_by_their_number() -> None:
    config = TrainConfig(checkpoint_every=200)
    assert saved_steps(config, [0.001] * 600) == [1, 200, 400, 600]


def test_slow_steps_are_saved_every_minute_whatever_their_number() -> None:
    config = TrainConfig(checkpoint_every=10_000)
    assert saved_steps(config, [20.0] * 10) == [1, 4, 7, 10]
    assert saved_steps(config, [300.0] * 3) == [1, 2, 3]


def test_seconds_may_be_set() -> None:
    config = TrainConfig(checkpoint_every=10_000, checkpoint_seconds=10.0)
    assert saved_steps(config, [5.0] * 6) == [1, 3, 5]


def test_a_slow_disk_is_asked_less_often() -> None:
    config = TrainConfig(checkpoint_every=10_000)
    assert saved_steps(config, [20.0] * 12, cost=10.0) == [1, 11], "10 s of saving, then 200 s without"
