"""The classifier's training: the class of a text, or of a pair of texts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import partial

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from rfa_models.data.buckets import BucketBatches, by_rows, in_order
from rfa_models.data.fingerprint import text_fingerprint
from rfa_models.data.labelled import Labelled, label_names, read_labelled
from rfa_models.data.token_rows import TokenRows, encode_texts
from rfa_models.data.tokenizer import CLASS, make_tokenizer
from rfa_models.errors import DataError
from rfa_models.networks.classifier import Classifier
from rfa_models.networks.classifier_config import ClassifierConfig
from rfa_models.recipes.recipe import ClassificationRecipe
from rfa_models.tasks.autocast import autocast
from rfa_models.tasks.evaluation_mode import evaluation_mode
from rfa_models.tasks.share import WHOLE, Share
from rfa_models.tasks.task import Measured, TrainingTask
from rfa_models.wording import shown


class EncodedTexts:
    """Texts, or pairs of them, as ids cut to the model's length, with the numbers of their classes."""

    def __init__(self, tokenizer: Tokenizer, rows: list[Labelled], config: ClassifierConfig) -> None:
        """Encode rows.  Raises DataError for one that the model is not made for."""
        for row in rows:
            check_row(row, config)
        self.texts: list[TokenRows] = []
        """One for each text of a row."""
        for column in zip(*(row.texts for row in rows), strict=True):
            encoded = encode_for(tokenizer, column, config)
            if int(encoded.lengths.min()) == 0:
                raise DataError("a text has no tokens: leave it out, or take another tokenizer")
            self.texts.append(encoded)
        self.classes = torch.tensor([config.labels.index(row.label) for row in rows])
        """int64 [rows]"""

    def tensors(self) -> list[Tensor]:
        """All that was read, for a fingerprint."""
        found = [self.classes]
        for column in self.texts:
            found += [column.ids, column.lengths]
        return found

    def lengths(self) -> Tensor:
        """Tokens of each text.  Returns int64 [rows, texts of a row]."""
        return torch.stack([column.lengths for column in self.texts], 1)

    def logits(self, model: Classifier, rows: Tensor, device: torch.device) -> tuple[Tensor, int]:
        """Logits of some rows [B, C], and the number of tokens in them.  rows: int64 [B]."""
        arguments: list[Tensor | None] = []
        tokens = 0
        for column in self.texts:
            ids, keep = column.padded(rows)
            arguments += [ids.to(device), None, keep.to(device)]
            tokens += int(keep.sum())
        return model(*arguments), tokens


def encode_for(tokenizer: Tokenizer, texts: Sequence[str], config: ClassifierConfig) -> TokenRows:
    """Texts as ids: the token whose place the classifier reads first, if it does, and cut to the model's length."""
    first = [tokenizer.get_vocab()[CLASS]] if config.pooling == "first" else []
    rows = []
    for ids in encode_texts(tokenizer, texts):
        row = first + ids
        rows.append(row[: config.max_tokens] if config.max_tokens else row)
    return TokenRows(rows)


class ClassificationTask(TrainingTask):
    """Texts, or pairs of them, in batches of like length."""

    metric = "accuracy"

    def __init__(self, recipe: ClassificationRecipe, device: torch.device, tokenizer: Tokenizer | None = None) -> None:
        self.config = recipe.train
        self.device = device
        train, valid = read_labelled(recipe.data)
        special = (CLASS,) if recipe.model.get("pooling") == "first" else ()
        texts = itertools.chain.from_iterable(row.texts for row in train)
        self.tokenizer = tokenizer or make_tokenizer(recipe.tokenizer, texts, special)
        self.model_config = recipe.model_config(self.tokenizer.get_vocab_size(), label_names(train))
        self.train = EncodedTexts(self.tokenizer, train, self.model_config)
        self.valid = EncodedTexts(self.tokenizer, valid, self.model_config)
        cut = partial(by_rows, limit=self.config.batch_size)
        self.batches = BucketBatches(self.train.lengths(), cut, self.config.seed)
        tensors = self.train.tensors() + self.valid.tensors()
        self.text = text_fingerprint(self.tokenizer, *tensors)
        self.summary = f"{len(train):,} texts of {len(self.model_config.labels)} classes"

    def build_model(self) -> Classifier:
        return Classifier(self.model_config)

    def loss(self, model: Classifier, index: int, share: Share = WHOLE) -> tuple[Tensor, int]:
        rows = share.filled(self.batches(index))
        with autocast(self.config.precision, self.device):
            logits, tokens = self.train.logits(model, rows, self.device)
        return F.cross_entropy(logits.float(), self.train.classes[rows].to(self.device)), tokens

    def targets(self, index: int, share: Share = WHOLE) -> int:
        return len(share.part(self.batches(index)))

    def tokens(self, index: int) -> int:
        return int(self.train.lengths()[self.batches(index)].sum())

    def measure(self, model: Classifier, share: Share = WHOLE) -> Measured:
        return classes_found(model, self.valid, share=share)

    def figure(self, measured: Measured) -> float:
        """The part of the texts whose class was found."""
        return measured.total / measured.items


def accuracy(model: Classifier, texts: EncodedTexts, batch: int = 16) -> float:
    """The part of the texts whose class the model finds."""
    right, count = classes_found(model, texts, batch)
    return right / count


def classes_found(model: Classifier, texts: EncodedTexts, batch: int = 16, share: Share = WHOLE) -> Measured:
    """How many texts have the class that the model finds, and how many there are."""
    right = 0
    read = 0
    for rows, found in predicted(model, texts, batch, share):
        right += int((found == texts.classes[rows]).sum())
        read += len(rows)
    return Measured(right, read)


def predictions(model: Classifier, texts: EncodedTexts, batch: int = 16) -> Tensor:
    """The number of the class that the model finds, for every text.  Returns int64 [rows]."""
    classes = torch.empty_like(texts.classes)
    for rows, found in predicted(model, texts, batch, WHOLE):
        classes[rows] = found
    return classes


def predicted(model: Classifier, texts: EncodedTexts, batch: int, share: Share) -> Iterator[tuple[Tensor, Tensor]]:
    """Some rows and the numbers of their classes at a time, both int64 [B]."""
    with evaluation_mode(model) as device:
        for rows in share.pick(in_order(texts.lengths(), partial(by_rows, limit=batch))):
            logits, _ = texts.logits(model, rows, device)
            yield rows, logits.argmax(1).cpu()


def check_row(row: Labelled, config: ClassifierConfig) -> None:
    """Raise DataError for a row with another number of texts, or of another class."""
    wanted = 2 if config.pairs else 1
    if len(row.texts) != wanted:
        raise DataError(
            f"a row has {len(row.texts)} text(s), the model reads {wanted}: set pairs in [model], or leave "
            f"'pair' out ({shown(row.text)})"
        )
    if row.label not in config.labels:
        raise DataError(
            f"a row has the label {shown(row.label)}, known are {', '.join(config.labels)[:120]} ({shown(row.text)})"
        )
