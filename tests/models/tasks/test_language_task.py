"""Training that carries the state from segment to segment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rfa_models.errors import ConfigError
from rfa_models.recipes.recipe import read_recipe
from rfa_models.tasks.language import StatefulLanguageTask, next_token_loss
from rfa_models.tasks.perplexity import perplexity
from rfa_models.training.run import TrainingRun

CPU = torch.device("cpu")


def start(path: Path) -> TrainingRun:
    return TrainingRun(read_recipe(path), CPU)


def stateful(recipe_file: Callable[..., Path], **lines: str) -> TrainingRun:
    return start(recipe_file(task="stateful", **lines))


@pytest.mark.parametrize("positions", ["none", "sinusoidal"])
def test_segments_in_turn_have_the_loss_of_one_long_segment(recipe_file: Callable[..., Path], positions: str) -> None:
    run = stateful(recipe_file, dropout=f'0.0\npositions = "{positions}"')
    parts = [run.task.loss(run.model, index)[0].item() for index in range(3)]
    batches = [run.task.batches(index) for index in range(3)]
    inputs, targets = (torch.cat([batch[side] for batch in batches], 1) for side in (0, 1))
    assert sum(parts) / 3 == pytest.approx(next_token_loss(run.model(inputs), targets).item(), rel=1e-5)


def test_no_gradient_goes_through_the_border(recipe_file: Callable[..., Path]) -> None:
    run = stateful(recipe_file)
    run.task.loss(run.model, 0)
    for layer in run.task.carried:
        assert not any(state.requires_grad for state in layer)


def test_an_epoch_starts_from_an_empty_state(recipe_file: Callable[..., Path]) -> None:
    run = stateful(recipe_file, dropout="0.0")
    last = run.task.batches.segments
    run.task.loss(run.model, 0)
    found = run.task.loss(run.model, last)[0].item()
    fresh = stateful(recipe_file, dropout="0.0")
    assert fresh.task.loss(fresh.model, last)[0].item() == found


def test_all_steps_use_the_matrices_of_evaluation(recipe_file: Callable[..., Path]) -> None:
    """A state can only be read with the matrices that it was written with."""
    run = stateful(recipe_file)
    for _ in run.steps():
        assert all(block.attention.training_matrices is None for block in run.model.blocks)


def test_evaluating_on_the_way_leaves_the_carried_states(recipe_file: Callable[..., Path]) -> None:
    run = stateful(recipe_file)
    run.step()
    before = [state.clone() for layer in run.task.carried for state in layer]
    run.evaluate()
    after = [state for layer in run.task.carried for state in layer]
    assert all(torch.equal(a, b) for a, b in zip(after, before, strict=True))


def test_it_is_measured_as_it_is_trained_and_the_checkpoint_says_so(recipe_file: Callable[..., Path]) -> None:
    run = stateful(recipe_file)
    run.step()
    assert run.evaluate() == perplexity(run.model, run.task.valid_ids, 0)
    assert run.checkpoint().segment_length == 0


def test_softmax_cannot_be_stateful(recipe_file: Callable[..., Path]) -> None:
    path = recipe_file(task="stateful", gate='false\nkind = "softmax"')
    with pytest.raises(ConfigError, match="only RFA has a state of fixed size to carry"):
        read_recipe(path)


def test_only_a_stateful_recipe_makes_a_stateful_task(recipe_file: Callable[..., Path]) -> None:
    assert isinstance(stateful(recipe_file).task, StatefulLanguageTask)
    assert not isinstance(start(recipe_file()).task, StatefulLanguageTask)


def test_documents_teach_where_a_text_begins_and_ends(recipe_file: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("a short line\n" * 200)
    recipe = read_recipe(recipe_file())
    data = replace(recipe.data, train=(str(tmp_path / "lines.txt"),), documents="line")
    run = TrainingRun(replace(recipe, data=data, sampling={"temperature": 0.5}), CPU)
    start, end = run.task.special_ids.bos, run.task.special_ids.eos
    line = run.task.train_ids[: run.task.train_ids.tolist().index(end) + 1].tolist()
    assert line[0] == start
    assert run.task.tokenizer.decode(line) == "a short line"
    assert run.task.train_ids.tolist() == line * 190
    assert run.task.valid_ids.tolist() == line * 10
    kept = run.checkpoint()
    assert (kept.special_ids, kept.sampling) == (run.task.special_ids, {"temperature": 0.5})


def test_sampling_of_a_recipe_is_checked(recipe_file: Callable[..., Path]) -> None:
    path = recipe_file()
    path.write_text(path.read_text() + "\n[sampling]\ntemperature = -1\n")
    with pytest.raises(ConfigError, match=r"\[sampling\] temperature is -1"):
        read_recipe(path)
