"""A finished run goes on where it ended, and no run replaces another's model."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from rfa_models.checkpoints.checkpoint import load_checkpoint
from rfa_models.errors import CheckpointError, ConfigError
from rfa_models.recipes.recipe import Recipe, read_recipe
from rfa_models.training import recipe_run
from rfa_models.training.recipe_run import train_recipe
from rfa_models.training.run_files import RunFiles

FILES = RunFiles(Path("model.pt"))
Write = Callable[..., Path]
tasks = pytest.mark.parametrize("task", ["language-model", "stateful", "translation", "classification"])


def with_steps(recipe: Recipe, steps: int) -> Recipe:
    return replace(recipe, train=replace(recipe.train, steps=steps))


def weights(file: str) -> dict[str, torch.Tensor]:
    return load_checkpoint(Path(file)).model.state_dict()


def assert_same_weights(file: str, wanted: str) -> None:
    found = weights(file)
    for name, tensor in weights(wanted).items():
        assert torch.equal(found[name], tensor), name


def log_of(figure: str, file: str = "model.pt") -> list[Any]:
    return [json.loads(line)[figure] for line in RunFiles(Path(file)).log.read_text().splitlines()]


@tasks
def test_more_steps_after_the_end_come_to_what_one_run_comes_to(recipe_file: Write, task: str) -> None:
    recipe = read_recipe(recipe_file(task=task, warmup_steps='2\nschedule = "inverse-sqrt"'))
    train_recipe(with_steps(recipe, 9), "whole.pt")
    train_recipe(with_steps(recipe, 4), "model.pt")
    trained = train_recipe(with_steps(recipe, 9), "model.pt")
    assert trained.finished
    assert_same_weights("model.pt", "whole.pt")
    assert log_of("step") == list(range(1, 10))
    assert log_of("loss") == log_of("loss", "whole.pt")
    train_recipe(with_steps(recipe, 10), "model.pt")
    assert log_of("step") == list(range(1, 11))


def test_the_cosine_is_laid_over_all_steps(recipe_file: Write) -> None:
    recipe = read_recipe(recipe_file())
    train_recipe(with_steps(recipe, 12), "whole.pt")
    train_recipe(with_steps(recipe, 4), "model.pt")
    train_recipe(with_steps(recipe, 12), "model.pt")
    assert log_of("learning_rate")[4:] == log_of("learning_rate", "whole.pt")[4:]


@pytest.mark.parametrize("steps", [3, 4])
def test_a_finished_run_without_more_steps_is_left_alone(recipe_file: Write, steps: int) -> None:
    recipe = read_recipe(recipe_file())
    train_recipe(with_steps(recipe, 4), "model.pt")
    before = FILES.model.read_bytes()
    message = f"model.pt exists and was trained for 4 steps, wanted {steps}: give more steps to train it further, "
    with pytest.raises(ConfigError, match=message):
        train_recipe(with_steps(recipe, steps), "model.pt")
    assert FILES.model.read_bytes() == before
    assert log_of("step") == [1, 2, 3, 4]


def test_going_on_may_be_stopped_and_gone_on_with(recipe_file: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = read_recipe(recipe_file(checkpoint_every="1"))
    train_recipe(with_steps(recipe, 9), "whole.pt")
    train_recipe(with_steps(recipe, 4), "model.pt")
    with monkeypatch.context() as patch:
        patch.setattr(recipe_run, "describe", interrupt_at_step_7)
        with pytest.raises(KeyboardInterrupt):
            train_recipe(with_steps(recipe, 9), "model.pt")
    assert FILES.resume.exists()
    assert load_checkpoint(FILES.model).training["steps"] == 4
    assert train_recipe(with_steps(recipe, 9), "model.pt").finished
    assert log_of("step") == list(range(1, 10))
    assert not FILES.resume.exists()


def interrupt_at_step_7(report: recipe_run.StepReport, *_: object) -> str:
    if report.step == 7:
        raise KeyboardInterrupt
    return ""


@pytest.mark.parametrize("further", [True, False])
def test_a_model_that_the_run_did_not_write_is_not_replaced(recipe_file: Write, further: bool) -> None:
    recipe = read_recipe(recipe_file())
    train_recipe(with_steps(recipe, 4), "model.pt")
    if not further:
        FILES.further.unlink()
    FILES.model.write_bytes(b"another's")
    with pytest.raises(ConfigError, match=r"model\.pt exists: give another name, or overwrite=True"):
        train_recipe(with_steps(recipe, 9), "model.pt")
    assert FILES.model.read_bytes() == b"another's"


def test_a_stopped_run_does_not_replace_a_model_that_has_come_since(recipe_file: Write) -> None:
    recipe = read_recipe(recipe_file(checkpoint_every="1"))
    train_recipe(with_steps(recipe, 4), "model.pt")
    FILES.further.rename(FILES.resume)
    FILES.model.write_bytes(b"another's")
    with pytest.raises(ConfigError, match=r"model\.pt exists: give another name"):
        train_recipe(with_steps(recipe, 4), "model.pt")
    assert FILES.model.read_bytes() == b"another's"


def test_a_model_that_comes_while_the_run_lasts_is_not_replaced_and_the_run_is_kept(
    recipe_file: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the file system has no locks, or somebody copies a file there."""
    recipe = with_steps(read_recipe(recipe_file()), 3)

    def put_a_model(*_: object) -> str:
        FILES.model.write_bytes(b"another's")
        return ""

    with monkeypatch.context() as patch:
        patch.setattr(recipe_run, "describe", put_a_model)
        with pytest.raises(ConfigError, match=r"model\.pt exists: give another name"):
            train_recipe(recipe, "model.pt")
    assert FILES.model.read_bytes() == b"another's"
    assert train_recipe(recipe, "model.pt", overwrite=True).steps == 3
    assert log_of("step") == [1, 2, 3]
    assert load_checkpoint(FILES.model).training["steps"] == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"layers": "2"},
            "model.pt.further: belongs to a run with other settings: restore the recipe, or use overwrite",
        ),
        ({"valid_fraction": "0.1"}, "model.pt.further: belongs to a run with other settings"),
        ({"train": '["other.txt"]'}, "model.pt.further: the text has changed since: restore it, or use overwrite=True"),
    ],
)
def test_only_the_same_run_goes_on(recipe_file: Write, change: dict[str, str], message: str) -> None:
    train_recipe(with_steps(read_recipe(recipe_file()), 4), "model.pt")
    Path("other.txt").write_text("something else\n" * 300, encoding="utf-8")
    other = read_recipe(recipe_file(**change))
    with pytest.raises(CheckpointError, match=message):
        train_recipe(with_steps(other, 9), "model.pt")
    assert train_recipe(with_steps(other, 5), "model.pt", overwrite=True).steps == 5
    assert log_of("step") == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "entry", [{"done": 0}, {"done": "4"}, {"done": 10**30}, {"replaces": 3}, {"model": {}}], ids=str
)
def test_a_damaged_file_of_a_finished_run_is_one_line(recipe_file: Write, entry: dict[str, Any]) -> None:
    recipe = read_recipe(recipe_file())
    train_recipe(with_steps(recipe, 4), "model.pt")
    torch.save(torch.load(FILES.further, weights_only=True) | entry, FILES.further)
    with pytest.raises((CheckpointError, ConfigError), match=r"model\.pt.*overwrite=True") as error:
        train_recipe(with_steps(recipe, 9), "model.pt")
    assert len(str(error.value).splitlines()) == 1


def test_a_run_that_an_older_version_stopped_goes_on(recipe_file: Write) -> None:
    """It did not note which model the run may replace."""
    recipe = read_recipe(recipe_file())
    train_recipe(with_steps(recipe, 4), "model.pt")
    table = torch.load(FILES.further, weights_only=True)
    del table["replaces"]
    torch.save(table, FILES.resume)
    FILES.model.unlink()
    assert train_recipe(with_steps(recipe, 4), "model.pt").finished
