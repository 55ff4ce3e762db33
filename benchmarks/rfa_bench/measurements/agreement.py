"""Whether a bundle answers the rows of a data file as its checkpoint does in torch: same translations, same labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch
from tokenizers import Tokenizer

from rfa_bench.tables import column
from rfa_export.pipeline import token_id
from rfa_models.checkpoints.checkpoint import load_checkpoint
from rfa_models.data.config import ListopsConfig, NumbersConfig
from rfa_models.data.labelled import read_source
from rfa_models.data.pairs import read_sources
from rfa_models.data.tokenizer import END, START
from rfa_models.errors import ConfigError
from rfa_models.networks import classifier, translator
from rfa_models.tasks import greedy
from rfa_models.tasks.classification import EncodedTexts, predictions
from rfa_models.tasks.translation import EncodedPairs
from rfa_runtime.decoding.search_config import SearchConfig
from rfa_runtime.tasks.bleu import corpus_bleu
from rfa_runtime.tasks.classification import Classifier, Text
from rfa_runtime.tasks.translation import Translator

BATCH = 16
"""Rows that the bundle answers at once."""
Item = TypeVar("Item")


@dataclass(frozen=True)
class Agreement:
    """Two answers to every row of a file; the names are the contract of `rfa-bench agreement --json`."""

    items: int
    equal: int
    """Rows to which both gave the same answer, token for token or label for label."""
    metric: str
    torch: float
    """The figure of torch's answers."""
    bundle: float
    """The figure of the bundle's answers."""
    provider: str = "cpu"
    """Of the bundle; torch answers on the processor."""


def measure(
    file: Path,
    bundle: Path,
    data: tuple[str, ...],
    threads: int,
    progress: Callable[[str], None],
    provider: str = "cpu",
) -> Agreement:
    """Answer all rows twice.  Raises ConfigError for a checkpoint without answers: a language model."""
    checkpoint = load_checkpoint(file)
    torch.set_num_threads(threads)
    model = checkpoint.model
    if isinstance(model, translator.Translator):
        translate = Translator(bundle, threads=threads, provider=provider)
        found = translations(model, checkpoint.tokenizer, translate, data, progress)
        return replace(found, provider=provider)
    if isinstance(model, classifier.Classifier):
        classify = Classifier(bundle, threads=threads, provider=provider)
        found = labels(model, checkpoint.tokenizer, classify, data, progress)
        return replace(found, provider=provider)
    raise ConfigError(
        "the checkpoint is a language model: compare `python -m rfa_models.commands.evaluate` with `rfa-run --score`"
    )


def translations(
    model: translator.Translator,
    tokenizer: Tokenizer,
    runtime: Translator,
    data: tuple[str, ...],
    progress: Callable[[str], None],
) -> Agreement:
    """Greedy translations of the sources, and BLEU of both."""
    pairs = read_sources(data, NumbersConfig())
    texts, targets = zip(*pairs, strict=True)
    sources = EncodedPairs(tokenizer, pairs, max_tokens=0).sources
    search = SearchConfig()
    progress(f"{len(pairs):,} sources in torch")
    start = token_id(tokenizer, START)
    end = token_id(tokenizer, END)
    limits = list(map(search.limit, sources.lengths.tolist()))
    wanted = greedy.translate(model, sources, start, end, limits)
    progress(f"{len(pairs):,} sources with the bundle")
    found_ids = []
    found_texts = []
    for batch in batches(texts):
        for translation in runtime.translate_batch(batch, search):
            found_ids.append(translation.token_ids)
            found_texts.append(translation.text)
    wanted_texts = []
    for ids in wanted:
        wanted_texts.append(tokenizer.decode(without(end, ids)))
    return Agreement(
        items=len(pairs),
        equal=count_equal(found_ids, wanted),
        metric="BLEU",
        torch=corpus_bleu(wanted_texts, targets).score,
        bundle=corpus_bleu(found_texts, targets).score,
    )


def labels(
    model: classifier.Classifier,
    tokenizer: Tokenizer,
    runtime: Classifier,
    data: tuple[str, ...],
    progress: Callable[[str], None],
) -> Agreement:
    """The most likely labels of the texts, and the accuracy of both."""
    rows = []
    for name in data:
        rows += read_source(name, ListopsConfig())
    encoded = EncodedTexts(tokenizer, rows, model.config)
    progress(f"{len(rows):,} texts in torch")
    wanted = predictions(model, encoded).tolist()
    progress(f"{len(rows):,} texts with the bundle")
    texts: list[Text] = [row.text if row.pair is None else (row.text, row.pair) for row in rows]
    found_numbers = []
    found_labels = []
    for batch in batches(texts):
        for answer in runtime.classify_batch(batch):
            found_numbers.append(answer.label_id)
            found_labels.append(answer.label)
    return Agreement(
        items=len(rows),
        equal=count_equal(found_numbers, wanted),
        metric="accuracy",
        torch=count_equal(wanted, encoded.classes.tolist()) / len(rows),
        bundle=count_equal(found_labels, column(rows, "label")) / len(rows),
    )


def batches(items: Sequence[Item]) -> Iterator[list[Item]]:
    """The items in their order, some at a time."""
    for start in range(0, len(items), BATCH):
        yield list(items[start : start + BATCH])


def without(end: int, ids: list[int]) -> list[int]:
    """The ids without the token that ends a translation: it is no part of the text."""
    return [token for token in ids if token != end]


def count_equal(first: Sequence[object], second: Sequence[object]) -> int:
    """How many items are the same in both, place by place."""
    equal = 0
    for one, other in zip(first, second, strict=True):
        if one == other:
            equal += 1
    return equal
