"""The command that measures a checkpoint in torch, whatever its task."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from rfa_models.checkpoints.checkpoint import save_checkpoint
from rfa_models.commands.evaluate import main
from rfa_models.recipes.recipe import read_recipe
from rfa_models.tasks.perplexity import perplexity
from rfa_models.training.run import TrainingRun


def evaluate(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["model.pt", *arguments])


@pytest.fixture
def trained(recipe_file: Callable[..., Path]) -> Callable[[str], TrainingRun]:
    """A run of two steps whose checkpoint lies in model.pt."""

    def train(task: str) -> TrainingRun:
        run = TrainingRun(read_recipe(recipe_file(task=task, steps="2")), torch.device("cpu"))
        list(run.steps())
        save_checkpoint(run.checkpoint(), Path("model.pt"))
        return run

    return train


def test_a_language_model_is_measured_on_a_text(trained: Callable[[str], TrainingRun]) -> None:
    run = trained("language-model")
    Path("a.txt").write_text("a short text")
    found = json.loads(evaluate("a.txt").stdout)
    assert found == {"perplexity": perplexity(run.model, torch.tensor(list(b"a short text")), 16), "tokens": 11}


@pytest.mark.parametrize(("task", "length"), [("language-model", 16), ("stateful", 0)])
def test_segments_are_those_of_the_training_or_as_asked(
    trained: Callable[[str], TrainingRun], task: str, length: int
) -> None:
    run = trained(task)
    Path("a.txt").write_text("a text of forty letters or a little more")
    ids = torch.tensor(list(Path("a.txt").read_bytes()))
    assert json.loads(evaluate("a.txt").stdout)["perplexity"] == perplexity(run.model, ids, length)
    for asked in (0, 5):
        found = json.loads(evaluate("a.txt", "--segment", str(asked)).stdout)
        assert found["perplexity"] == perplexity(run.model, ids, asked)


def test_a_translator_is_measured_on_pairs(trained: Callable[[str], TrainingRun]) -> None:
    trained("translation")
    Path("a.tsv").write_text("one\teins\ntwo\tzwei\n")
    Path("a.en").write_text("one\ntwo\n")
    Path("a.de").write_text("eins\nzwei\n")
    found = json.loads(evaluate("a.tsv").stdout)
    assert found["items"] == 2
    assert 1 < found["perplexity"] < 3000
    assert json.loads(evaluate("a.en", "a.de").stdout) == found


def test_a_classifier_is_measured_on_labelled_texts(trained: Callable[[str], TrainingRun]) -> None:
    trained("classification")
    Path("a.tsv").write_text("".join(f"( ( ( [MAX {digit} ) 0 ) ] )\t{digit}\n" for digit in range(10)))
    found = json.loads(evaluate("a.tsv").stdout)
    assert found["items"] == 10
    assert found["accuracy"] * 10 == pytest.approx(round(found["accuracy"] * 10))


@pytest.mark.parametrize(
    ("task", "data", "message"),
    [
        ("classification", ("a.tsv", "a.tsv"), "2 data files, wanted one"),
        ("classification", ("a.tsv",), "a row has the label 'q', known are 0, 1"),
        ("translation", ("a.txt",), "a.txt is neither .tsv nor .jsonl"),
        ("language-model", ("absent.txt",), "absent.txt"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    trained: Callable[[str], TrainingRun], task: str, data: tuple[str, ...], message: str
) -> None:
    trained(task)
    Path("a.tsv").write_text("a\tq\n")
    Path("a.txt").write_text("a\n")
    result = evaluate(*data)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_damaged_checkpoint_is_one_line_and_exit_code_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.pt").write_bytes(b"x")
    result = evaluate("text.txt")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: model.pt: the file is truncated")
    assert result.stderr.count("\n") == 1
