"""The translator's training: what is read, what is learned, and how it is measured."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from torch.nn import functional as F

from rfa_models.data.tokenizer import END, START, TokenizerConfig, make_tokenizer
from rfa_models.errors import DataError
from rfa_models.recipes.recipe import read_recipe
from rfa_models.tasks.translation import NO_TARGET, EncodedPairs, target_perplexity
from rfa_models.training.run import TrainingRun

CPU = torch.device("cpu")
PAIRS = [("one", "eins"), ("twenty-one", "einundzwanzig"), ("two", "z")]


def start(recipe_file: Callable[..., Path], **lines: str) -> TrainingRun:
    return TrainingRun(read_recipe(recipe_file(task="translation", **lines)), CPU)


@pytest.fixture
def tokenizer() -> Tokenizer:
    return make_tokenizer(TokenizerConfig("byte"), [], (START, END))


def test_loss_falls_on_the_built_in_pairs(recipe_file: Callable[..., Path]) -> None:
    run = start(recipe_file, steps="80", evaluate_every="80", batch_tokens="800")
    reports = list(run.steps())
    assert reports[-1].loss < reports[0].loss - 1
    assert run.valid < 60  # 300 is knowing nothing
    assert reports[-1].valid == run.valid


def test_sources_end_and_targets_start_and_end(tokenizer: Tokenizer) -> None:
    found = EncodedPairs(tokenizer, PAIRS, 0)
    source, source_keep, target, wanted = found.batch(torch.tensor([0, 2]), CPU)
    assert (tokenizer.token_to_id(START), tokenizer.token_to_id(END)) == (256, 257)
    assert source.tolist() == [[*b"one", 257], [*b"two", 257]]
    assert source_keep.tolist() == [[1] * 4] * 2
    assert target.tolist() == [[256, *b"eins"], [256, *b"z", 257, 0, 0]]
    assert wanted.tolist() == [[*b"eins", 257], [*b"z", 257, *[NO_TARGET] * 3]]
    assert found.lengths().tolist() == [[5, 4], [14, 11], [2, 4]]


def test_long_pairs_are_left_out_and_counted(tokenizer: Tokenizer, recipe_file: Callable[..., Path]) -> None:
    assert EncodedPairs(tokenizer, PAIRS, 14).left_out == 0
    found = EncodedPairs(tokenizer, PAIRS, 13)
    assert (len(found), found.left_out) == (2, 1)
    run = start(recipe_file, valid_fraction="0.1\nmax_tokens = 12")
    assert 0 < len(run.task.train) < 180
    left_out = run.task.train.left_out + run.task.valid.left_out
    assert run.task.summary.endswith(f"({left_out} longer than 12 tokens left out)")
    assert "left out" not in start(recipe_file).task.summary


def test_a_limit_that_leaves_no_pair_is_refused(recipe_file: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="no pair is short enough for max_tokens = 2: raise it"):
        start(recipe_file, valid_fraction="0.1\nmax_tokens = 2")


def test_padding_changes_neither_loss_nor_perplexity(recipe_file: Callable[..., Path]) -> None:
    run = start(recipe_file, dropout="0.0")
    model, pairs = run.model.eval(), run.task.valid
    alone = 0.0
    for row in range(len(pairs)):
        source, _, target, wanted = pairs.batch(torch.tensor([row]), CPU)
        alone += F.cross_entropy(model(source, target)[0], wanted[0], reduction="sum").item()
    tokens = int(pairs.lengths()[:, 0].sum())
    assert target_perplexity(model, pairs, 10_000) == pytest.approx(math.exp(alone / tokens), rel=1e-4)
    assert target_perplexity(model, pairs, 10) == pytest.approx(math.exp(alone / tokens), rel=1e-4)


def test_the_loss_is_smoothed_and_the_measure_is_not(recipe_file: Callable[..., Path]) -> None:
    plain, smooth = (start(recipe_file, batch_tokens=f"400\nlabel_smoothing = {x}") for x in (0.0, 0.2))
    assert smooth.task.loss(smooth.model.eval(), 0)[0] != plain.task.loss(plain.model.eval(), 0)[0]
    assert smooth.evaluate() == plain.evaluate()


def test_tokens_are_counted_without_padding(recipe_file: Callable[..., Path]) -> None:
    run = start(recipe_file)
    tokens = sum(run.task.loss(run.model, index)[1] for index in range(len(run.task.batches)))
    assert tokens == int(run.task.train.lengths().sum())


def test_mode_of_the_model_is_as_it_was(recipe_file: Callable[..., Path]) -> None:
    run = start(recipe_file)
    for training in (True, False):
        run.model.train(training)
        run.evaluate()
        assert run.model.training is training


def test_both_languages_are_learned_from(recipe_file: Callable[..., Path]) -> None:
    recipe_file()
    Path("a.tsv").write_text("aaaa aaaa\tzzzz zzzz\n" * 20)
    run = start(recipe_file, train='["a.tsv"]', vocab_size="264")
    words = run.task.tokenizer.get_vocab()
    assert {"aa", "zz", START, END} <= set(words)
    assert (words[START], words[END]) == (0, 1)


def test_a_changed_target_is_noticed(recipe_file: Callable[..., Path]) -> None:
    recipe_file()
    found = set()
    for word in "de":
        Path("a.tsv").write_text(f"a b\tc {word}\n" * 20)
        found.add(start(recipe_file, train='["a.tsv"]').task.text)
    assert len(found) == 2
