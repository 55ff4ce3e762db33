"""Several processes that train one model: the run of one process, whoever is lost on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from rfa_export.tolerances import LOSS_CURVES
from rfa_models.checkpoints.checkpoint import load_checkpoint
from rfa_models.recipes.recipe import read_recipe
from rfa_models.training.recipe_run import train_recipe

SECONDS = 120
"""More than a small run takes on a busy machine."""
SAME = {"dropout": "0.0", "learning_rate": "1e-3"}
"""What processes do alike: each draws its own dropout."""


def command(recipe: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "rfa_models.commands.train", str(recipe), *options]


def start(recipe: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(recipe, *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def train(recipe: Path, *options: str) -> None:
    subprocess.run(command(recipe, *options), check=True, timeout=SECONDS, capture_output=True)


def losses(model: Path) -> list[float]:
    lines = model.with_name(f"{model.name}.log.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def wait_for_steps(model: Path, count: int) -> None:
    """Wait until a run has saved so many steps."""
    deadline = time.monotonic() + SECONDS
    log = model.with_name(f"{model.name}.log.jsonl")
    while not log.exists() or len(log.read_text().splitlines()) < count:
        assert time.monotonic() < deadline, "the run does not get on"
        time.sleep(0.05)


def children(parent: int) -> list[int]:
    """The processes that a process has started, in their order."""
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return sorted(map(int, found))


@pytest.mark.parametrize(
    ("task", "options"),
    [
        ("language-model", ("--processes", "2")),
        ("stateful", ("--processes", "3")),
        ("translation", ("--processes", "2", "--fsdp")),
    ],
)
def test_several_processes_make_the_run_of_one(
    recipe_file: Callable[..., Path], task: str, options: tuple[str, ...]
) -> None:
    recipe = recipe_file(task=task, **SAME)
    alone = train_recipe(read_recipe(recipe), "alone.pt")
    train(recipe, "-o", "together.pt", *options)
    assert losses(Path("together.pt")) == pytest.approx(losses(Path("alone.pt")), abs=LOSS_CURVES)
    wanted = load_checkpoint("alone.pt").model.state_dict()
    found = load_checkpoint("together.pt").model.state_dict()
    assert found.keys() == wanted.keys()
    for name, weights in wanted.items():
        torch.testing.assert_close(found[name], weights, atol=LOSS_CURVES, rtol=0)
    assert alone.valid == pytest.approx(load_checkpoint("together.pt").training["valid_perplexity"], rel=LOSS_CURVES)


def test_a_lost_process_ends_all_in_one_line_and_other_processes_go_on(recipe_file: Callable[..., Path]) -> None:
    recipe = recipe_file(task="stateful", **SAME, steps="150", checkpoint_every="5")
    alone = train_recipe(read_recipe(recipe), "alone.pt")
    model = Path("model.pt")
    run = start(recipe, "-o", str(model), "--processes", "2")
    wait_for_steps(model, 12)
    os.kill(children(run.pid)[1], signal.SIGKILL)
    _, said = run.communicate(timeout=30)
    assert run.returncode == 2
    assert said.splitlines()[-1] == (
        "Error: another process was lost: call the same command again, it goes on from the last resume point"
    )
    assert said.count("Error") == 1
    assert not model.exists()
    train(recipe, "-o", str(model), "--processes", "3")
    assert losses(model) == pytest.approx(losses(Path("alone.pt")), abs=LOSS_CURVES)
    assert load_checkpoint(model).training["valid_perplexity"] == pytest.approx(alone.valid, rel=LOSS_CURVES)


def test_ctrl_c_ends_all_after_the_step_in_hand(recipe_file: Callable[..., Path]) -> None:
    recipe = recipe_file(**SAME, steps="100000")
    run = start(recipe, "-o", "model.pt", "--processes", "2")
    wait_for_steps(Path("model.pt"), 1)
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does: all of them get it
    _, said = run.communicate(timeout=30)
    assert run.returncode == 130
    assert said.splitlines()[-1].endswith("the same command goes on from there")
