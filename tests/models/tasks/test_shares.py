"""Shares of a batch: what several processes do of it makes the whole, also where one of them has no row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from rfa_export.tolerances import SHARES_FLOAT32
from rfa_models.recipes.recipe import read_recipe
from rfa_models.tasks.share import WHOLE, Share
from rfa_models.training.run import TrainingRun

tasks = pytest.mark.parametrize("task", ["language-model", "stateful", "translation", "classification"])
PROCESSES = 3
"""More than the rows of the smallest batches."""


def start(path: Path) -> TrainingRun:
    run = TrainingRun(read_recipe(path), torch.device("cpu"))
    run.model.eval()
    return run


def gradient(run: TrainingRun, share: Share) -> Tensor:
    """The share's part of the mean gradient of batch 0."""
    run.model.zero_grad()
    loss, _ = run.task.loss(run.model, 0, share)
    weight = run.task.targets(0, share) / run.task.targets(0)
    (loss * weight).backward()
    return torch.cat([parameter.grad.flatten() for parameter in run.model.parameters()])


def shares() -> list[Share]:
    return [Share(place, PROCESSES) for place in range(PROCESSES)]


@tasks
def test_gradients_of_all_shares_add_up_to_that_of_the_batch(recipe_file: Callable[..., Path], task: str) -> None:
    run = start(recipe_file(task=task))
    wanted = gradient(run, WHOLE)
    found = sum(gradient(run, share) for share in shares())
    torch.testing.assert_close(found, wanted, atol=SHARES_FLOAT32, rtol=0)
    assert sum(run.task.targets(0, share) for share in shares()) == run.task.targets(0)


@tasks
def test_measured_shares_add_up_to_the_figure(recipe_file: Callable[..., Path], task: str) -> None:
    run = start(recipe_file(task=task))
    wanted = run.task.measure(run.model)
    found = [run.task.measure(run.model, share) for share in shares()]
    assert sum(part.items for part in found) == wanted.items
    assert sum(part.total for part in found) == pytest.approx(wanted.total, rel=SHARES_FLOAT32)


def test_states_of_all_shares_add_up_to_those_of_the_run(recipe_file: Callable[..., Path]) -> None:
    path = recipe_file(task="stateful")
    whole = start(path)
    whole.task.loss(whole.model, 0)
    (wanted,) = whole.task.state()["carried"]
    total = torch.zeros_like(wanted)
    for share in shares():
        part = start(path)
        part.task.loss(part.model, 0, share)
        total += part.task.state(share)["carried"][0]
    torch.testing.assert_close(total, wanted, atol=SHARES_FLOAT32, rtol=0)
    for share in shares():
        part = start(path)
        part.task.load_state({"carried": [wanted]}, part.model, share)
        assert torch.equal(share.part(wanted), share.part(part.task.state(share)["carried"][0]))
