"""The classifier's training: what is read and how it is measured."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer

from rfa_models.attention.config import AttentionConfig
from rfa_models.data.labelled import Labelled
from rfa_models.data.tokenizer import CLASS, TokenizerConfig, make_tokenizer
from rfa_models.errors import ConfigError, DataError
from rfa_models.networks.classifier_config import ClassifierConfig
from rfa_models.recipes.recipe import read_recipe
from rfa_models.tasks.classification import EncodedTexts, accuracy
from rfa_models.training.run import TrainingRun

CPU = torch.device("cpu")
ATTENTION = AttentionConfig(heads=2, head_dim=8, random_vectors=8, pool_size=8)


def config(**settings: Any) -> ClassifierConfig:
    table = {"vocab_size": 257, "labels": ("no", "yes"), "layers": 1, "mlp_width": 16, "attention": ATTENTION}
    return ClassifierConfig(**(table | settings))


def start(recipe_file: Callable[..., Path], **lines: str) -> TrainingRun:
    return TrainingRun(read_recipe(recipe_file(task="classification", **lines)), CPU)


def rows_file(name: str, rows: list[dict[str, str]]) -> str:
    Path(name).write_text("\n".join(map(json.dumps, rows)))
    return f'["{name}"]'


def letters(pairs: bool = False) -> list[dict[str, str]]:
    """Texts of one letter, which is their class."""
    rows = [{"text": " ".join(letter * (3 + i % 5)), "label": letter} for i in range(20) for letter in "ab"]
    return [row | {"pair": "xyz"[: 1 + i % 3]} for i, row in enumerate(rows)] if pairs else rows


@pytest.fixture
def tokenizer() -> Tokenizer:
    return make_tokenizer(TokenizerConfig("byte"), [], (CLASS,))


@pytest.mark.parametrize("pooling", ["mean", "first"])
@pytest.mark.parametrize("kind", ["byte", "char", "word", "bpe"])
def test_it_learns_classes_that_can_be_learned(recipe_file: Callable[..., Path], pooling: str, kind: str) -> None:
    recipe_file()
    data = rows_file("a.jsonl", letters())
    settings = {"vocab_size": "32" if kind == "word" else "300", "pooling": f'"{pooling}"', "kind": f'"{kind}"'}
    run = start(recipe_file, train=data, replace="{}", steps="80", evaluate_every="80", **settings)
    list(run.steps())
    assert run.valid == 1.0
    assert run.model.config.labels == ("a", "b")


def test_it_learns_pairs(recipe_file: Callable[..., Path]) -> None:
    recipe_file()
    data = rows_file("a.jsonl", letters(pairs=True))
    run = start(recipe_file, train=data, kind='"byte"', replace="{}", mlp_width="16\npairs = true", steps="40")
    list(run.steps())
    assert run.valid == 1.0
    assert len(run.task.train.texts) == 2


def test_texts_are_cut_and_the_class_token_comes_first(tokenizer: Tokenizer) -> None:
    rows = [Labelled("abcdef", None, "yes"), Labelled("ab", None, "no")]
    found = EncodedTexts(tokenizer, rows, config(max_tokens=4, pooling="first"))
    assert found.texts[0].padded(torch.arange(2))[0].tolist() == [[256, *b"abc"], [256, *b"ab", 0]]
    assert found.classes.tolist() == [1, 0]
    found = EncodedTexts(tokenizer, rows, config(max_tokens=4))
    assert found.texts[0].padded(torch.arange(2))[0].tolist() == [[*b"abcd"], [*b"ab", 0, 0]]
    assert EncodedTexts(tokenizer, rows, config(max_tokens=0)).lengths().tolist() == [[6], [2]]


def test_padding_changes_no_class(recipe_file: Callable[..., Path]) -> None:
    run = start(recipe_file, steps="4")
    list(run.steps())
    model, texts = run.model.eval(), run.task.valid
    alone = 0
    for row in range(len(texts.classes)):
        logits, _ = texts.logits(model, torch.tensor([row]), CPU)
        alone += int(logits.argmax()) == int(texts.classes[row])
    assert accuracy(model, texts, 16) == accuracy(model, texts, 3) == alone / len(texts.classes)


def test_listops_is_read_in_its_flat_form(recipe_file: Callable[..., Path]) -> None:
    run = start(recipe_file)
    words = set(run.task.tokenizer.get_vocab())
    assert {"X", "[MAX", "[MIN", "[MED", "[SM", *"0123456789", CLASS} <= words
    assert not {"(", ")", "]"} & words
    assert run.task.tokenizer.encode("( ( ( [MAX 2 ) 9 ) ] )").tokens == ["[MAX", "2", "9", "X"]


def test_labels_of_the_recipe_are_kept_in_their_order(recipe_file: Callable[..., Path]) -> None:
    labels = [str(number) for number in reversed(range(10))]
    run = start(recipe_file, max_tokens=f"40\nlabels = {json.dumps(labels)}")
    assert run.model.config.labels == tuple(labels)


@pytest.mark.parametrize(
    ("rows", "lines", "message"),
    [
        (letters(pairs=True), {}, r"a row has 2 text\(s\), the model reads 1: set pairs in"),
        (letters(), {"mlp_width": "16\npairs = true"}, r"a row has 1 text\(s\), the model reads 2"),
        (letters(), {"mlp_width": '16\nlabels = ["a", "c"]'}, "a row has the label 'b', known are a, c"),
        (letters(), {"valid_fraction": '0.1\nvalid = ["b.jsonl"]'}, "a row has the label 'c', known are a, b"),
        (
            [{"text": text, "label": label} for text in ("( )", "1") for label in "ab" * 20],
            {"pooling": '"mean"'},
            "a text has no tokens",
        ),
    ],
)
def test_rows_that_do_not_fit_are_refused(
    recipe_file: Callable[..., Path], rows: list[dict[str, str]], lines: dict[str, str], message: str
) -> None:
    recipe_file()
    rows_file("b.jsonl", [{"text": "c", "label": "c"}])
    with pytest.raises(DataError, match=message):
        start(recipe_file, train=rows_file("a.jsonl", rows), **lines)


def test_one_class_is_not_enough(recipe_file: Callable[..., Path]) -> None:
    recipe_file()
    with pytest.raises(ConfigError, match="wanted two or more different names"):
        start(recipe_file, train=rows_file("a.jsonl", [{"text": "a", "label": "a"}] * 20))


def test_a_changed_label_is_noticed(recipe_file: Callable[..., Path]) -> None:
    recipe_file()
    found = set()
    for label in "ab":
        data = rows_file("a.jsonl", [*letters(), {"text": "q", "label": label}])
        found.add(start(recipe_file, train=data).task.text)
    assert len(found) == 2
