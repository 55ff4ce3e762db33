"""The learning rate: up in a line, down in half a cosine or with the root of the step."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rfa_models.recipes.train_config import TrainConfig
from rfa_models.training.optimizer import learning_rate

CONFIG = TrainConfig(steps=110, warmup_steps=10, learning_rate=1.0, final_learning_rate=0.1)


def test_warm_up_is_linear_and_never_zero() -> None:
    assert [learning_rate(step, CONFIG) for step in range(10)] == pytest.approx([i / 10 for i in range(1, 11)])


def test_cosine_starts_at_the_top_passes_the_middle_and_ends_at_the_final_rate() -> None:
    assert learning_rate(10, CONFIG) == pytest.approx(1.0)
    assert learning_rate(60, CONFIG) == pytest.approx(0.55)
    assert learning_rate(110, CONFIG) == pytest.approx(0.1)


def test_rate_falls_after_warm_up() -> None:
    rates = [learning_rate(step, CONFIG) for step in range(10, 111)]
    assert rates == sorted(rates, reverse=True)


def test_rate_stays_at_the_final_one_after_the_end() -> None:
    assert learning_rate(500, CONFIG) == pytest.approx(0.1)


@pytest.mark.parametrize("warmup_steps", [0, 110, 500])
def test_no_warm_up_or_nothing_but_warm_up_works(warmup_steps: int) -> None:
    config = TrainConfig(steps=110, warmup_steps=warmup_steps, learning_rate=1.0)
    assert all(0 < learning_rate(step, config) <= 1.0 for step in range(120))


def test_inverse_square_root_starts_at_the_top_and_halves_over_four_times_the_steps() -> None:
    config = replace(CONFIG, schedule="inverse-sqrt")
    assert [learning_rate(step, config) for step in range(10)] == [learning_rate(step, CONFIG) for step in range(10)]
    assert learning_rate(9, config) == pytest.approx(1.0)
    assert learning_rate(39, config) == pytest.approx(0.5)
    assert learning_rate(999, config) == pytest.approx(0.1)


@pytest.mark.parametrize("warmup_steps", [0, 1, 500])
def test_inverse_square_root_works_with_any_warm_up(warmup_steps: int) -> None:
    config = replace(CONFIG, schedule="inverse-sqrt", warmup_steps=warmup_steps)
    assert all(0 < learning_rate(step, config) <= 1.0 for step in range(120))
