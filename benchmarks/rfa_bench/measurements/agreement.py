"""Whether a bundle answers the rows of a data file as its checkpoint does in torch: same translations, same labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from sacrebleu.metrics.bleu import BLEU
from tokenizers import Tokenizer

from rfa_export.pipeline import token_id
from rfa_models.checkpoints.checkpoint import Checkpoint
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
from rfa_runtime.tasks.classification import Classifier, Text
from rfa_runtime.tasks.translation import Translator

BATCH = 16


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
    """The figure of the bundle's."""


def measure(
    checkpoint: Checkpoint, bundle: Path, data: tuple[str, ...], threads: int, progress: Callable[[str], None]
) -> Agreement:
    """Answer all rows twice.  Raises ConfigError for a checkpoint without answers: a language model."""
    torch.set_num_threads(threads)
    model, tokenizer = checkpoint.model, checkpoint.tokenizer
    if isinstance(model, translator.Translator):
        return translations(model, tokenizer, Translator(bundle, threads=threads), data, progress)
    if isinstance(model, classifier.Classifier):
        return labels(model, tokenizer, Classifier(bundle, threads=threads), data, progress)
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
    start, end = token_id(tokenizer, START), token_id(tokenizer, END)
    sources = EncodedPairs(tokenizer, pairs, max_tokens=0).sources
    search = SearchConfig()
    progress(f"{len(pairs):,} sources in torch")
    limits = [search.limit(length) for length in sources.lengths.tolist()]
    wanted = greedy.translate(model, sources, start, end, limits)
    progress(f"{len(pairs):,} sources with the bundle")
    texts = [source for source, _ in pairs]
    found = [one for i in range(0, len(texts), BATCH) for one in runtime.translate_batch(texts[i : i + BATCH], search)]
    spelled = [tokenizer.decode([token for token in ids if token != end]) for ids in wanted]
    targets = [[target for _, target in pairs]]
    return Agreement(
        len(pairs),
        sum(one.token_ids == ids for one, ids in zip(found, wanted, strict=True)),
        "BLEU",
        BLEU().corpus_score(spelled, targets).score,
        BLEU().corpus_score([one.text for one in found], targets).score,
    )


def labels(
    model: classifier.Classifier,
    tokenizer: Tokenizer,
    runtime: Classifier,
    data: tuple[str, ...],
    progress: Callable[[str], None],
) -> Agreement:
    """The most likely labels of the texts, and the accuracy of both."""
    rows = [row for name in data for row in read_source(name, ListopsConfig())]
    encoded = EncodedTexts(tokenizer, rows, model.config)
    progress(f"{len(rows):,} texts in torch")
    wanted = predictions(model, encoded).tolist()
    progress(f"{len(rows):,} texts with the bundle")
    texts: list[Text] = [row.text if row.pair is None else (row.text, row.pair) for row in rows]
    found = [one for i in range(0, len(texts), BATCH) for one in runtime.classify_batch(texts[i : i + BATCH])]
    return Agreement(
        len(rows),
        sum(one.label_id == number for one, number in zip(found, wanted, strict=True)),
        "accuracy",
        sum(number == right for number, right in zip(wanted, encoded.classes.tolist(), strict=True)) / len(rows),
        sum(one.label == row.label for one, row in zip(found, rows, strict=True)) / len(rows),
    )
