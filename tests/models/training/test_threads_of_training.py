"""How many threads a training gets where nobody says it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from rfa_models import read_recipe, train_recipe
from rfa_models.errors import ConfigError
from rfa_models.training import device
from rfa_models.training.device import WORK_OF_A_THREAD, set_threads, threads_that_pay


@pytest.fixture(autouse=True)
def one_thread_again() -> Iterator[None]:
    yield
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "usable_cores", lambda: 2)


def test_threads_follow_the_work_of_a_step() -> None:
    assert threads_that_pay(1000, 1000) == 1
    assert threads_that_pay(2 * WORK_OF_A_THREAD // 1000, 1000) == 2
    assert threads_that_pay(WORK_OF_A_THREAD, 1000) == 2


def test_a_small_model_trains_on_one_thread(recipe_file: Callable[..., Path], tmp_path: Path) -> None:
    torch.set_num_threads(2)
    train_recipe(read_recipe(recipe_file()), tmp_path / "model.pt", device="cpu")
    assert torch.get_num_threads() == 1


def test_numbers_of_threads_that_cannot_be_meant_are_refused() -> None:
    with pytest.raises(ConfigError, match="threads is 257, wanted a whole number from 1 to 256"):
        set_threads(257)
