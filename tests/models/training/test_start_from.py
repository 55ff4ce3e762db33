"""A new run may start from a model's weights; what must agree is checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rfa_models.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from rfa_models.errors import CheckpointError, ConfigError
from rfa_models.recipes.recipe import read_recipe
from rfa_models.training.recipe_run import train_recipe
from rfa_models.training.run import TrainingRun

CPU = torch.device("cpu")
BASE = Path("base.pt")
Write = Callable[..., Path]
tasks = pytest.mark.parametrize("task", ["language-model", "stateful", "translation", "classification"])


def write_base(path: Path) -> None:
    """A model whose weights no fresh run has."""
    run = TrainingRun(read_recipe(path), CPU)
    with torch.no_grad():
        for parameter in run.model.parameters():
            parameter.add_(0.25)
    save_checkpoint(run.checkpoint(), BASE)


@tasks
def test_a_run_starts_with_the_weights_and_the_tokenizer_of_the_model(recipe_file: Write, task: str) -> None:
    write_base(recipe_file(task=task))
    run = TrainingRun(read_recipe(recipe_file(task=task, dropout="0.0")), CPU, BASE)
    base = load_checkpoint(BASE)
    found = run.model.state_dict()
    for name, tensor in base.model.state_dict().items():
        assert torch.equal(found[name], tensor), name
    assert run.task.tokenizer.to_str() == base.tokenizer.to_str()
    assert next(run.steps()).step == 1


def test_other_data_are_read_with_the_tokenizer_of_the_model(recipe_file: Write) -> None:
    path = recipe_file(kind='"bpe"\nvocab_size = 300')
    write_base(path)
    Path("text.txt").write_text("zyx wvu tsr\n" * 800, encoding="utf-8")
    recipe = read_recipe(path)
    learnt = TrainingRun(recipe, CPU).task.tokenizer.get_vocab()
    trained = train_recipe(recipe, "tuned.pt", start_from=BASE)
    assert trained.steps == 12
    tuned = load_checkpoint(Path("tuned.pt"))
    assert learnt != tuned.tokenizer.get_vocab() == load_checkpoint(BASE).tokenizer.get_vocab()
    assert tuned.training["started_from"] == "base.pt"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": "2"}, "model.layers is 2, base.pt was trained with 1: set it to that in the recipe"),
        ({"head_dim": "4"}, "model.attention.head_dim is 4, base.pt was trained with 8"),
        ({"gate": "false"}, "model.attention.gate is False, base.pt was trained with True"),
        ({"task": "classification"}, "base.pt is for the task 'language-model', the recipe for 'classification'"),
        ({"kind": '"char"'}, "base.pt has another tokenizer than tokenizer.kind = 'char' makes, and keeps it: leave"),
        ({"kind": '"bpe"\nvocab_size = 300'}, "base.pt has another tokenizer than tokenizer.kind = 'bpe' makes"),
    ],
)
def test_a_recipe_of_another_model_is_refused(recipe_file: Write, change: dict[str, str], message: str) -> None:
    write_base(recipe_file())
    with pytest.raises(ConfigError, match=message):
        TrainingRun(read_recipe(recipe_file(**change)), CPU, BASE)


def test_a_recipe_that_leaves_the_tokenizer_out_takes_any(recipe_file: Write) -> None:
    path = recipe_file()
    write_base(path)
    path.write_text(path.read_text(encoding="utf-8").replace('[tokenizer]\nkind = "byte"\n', ""), encoding="utf-8")
    assert TrainingRun(read_recipe(path), CPU, BASE).task.tokenizer.get_vocab_size() == 256


def test_classes_must_be_those_of_the_model(recipe_file: Write) -> None:
    path = recipe_file(task="classification")
    write_base(path)
    Path("a.tsv").write_text("[MAX 1 2 ]\tgood\n[MIN 1 2 ]\tbad\n" * 20, encoding="utf-8")
    recipe = read_recipe(path)
    other = replace(recipe, data=replace(recipe.data, train=("a.tsv",)))
    with pytest.raises(ConfigError, match=r"model.labels is \('bad', 'good'\), base.pt was trained with \('0', '1', "):
        TrainingRun(other, CPU, BASE)


def test_what_is_no_model_is_refused(recipe_file: Write) -> None:
    recipe = read_recipe(recipe_file())
    BASE.write_bytes(b"hello")
    with pytest.raises(CheckpointError, match=r"base\.pt: the file is truncated or no checkpoint at all"):
        TrainingRun(recipe, CPU, BASE)


def test_a_stopped_run_goes_on_only_from_the_model_that_it_started_from(recipe_file: Write) -> None:
    path = recipe_file()
    write_base(path)
    recipe = read_recipe(path)
    run = TrainingRun(recipe, CPU, BASE)
    next(run.steps())
    run.save(Path("run.resume"))
    again = TrainingRun(recipe, CPU, BASE)
    again.restore(Path("run.resume"))
    assert again.done == 1
    with pytest.raises(CheckpointError, match="belongs to a run with other settings"):
        TrainingRun(recipe, CPU).restore(Path("run.resume"))
