"""The translator's training: the next token of a target, given its source."""

from __future__ import annotations

import itertools
from functools import partial

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from rfa_models.data.buckets import BucketBatches, by_tokens, in_order
from rfa_models.data.fingerprint import text_fingerprint
from rfa_models.data.pairs import Pair, read_pairs
from rfa_models.data.token_rows import TokenRows, encode_texts
from rfa_models.data.tokenizer import END, START, make_tokenizer
from rfa_models.errors import DataError
from rfa_models.networks.translator import Translator
from rfa_models.recipes.recipe import TranslationRecipe
from rfa_models.tasks.autocast import autocast
from rfa_models.tasks.evaluation_mode import evaluation_mode
from rfa_models.tasks.perplexity import exp_or_infinity, summed_loss
from rfa_models.tasks.share import WHOLE, Share
from rfa_models.tasks.task import Measured, TrainingTask

NO_TARGET = -100
"""Stands where there is padding in place of a target: cross entropy leaves it out."""


class EncodedPairs:
    """Sources [x1 ... </s>] and targets [<s> y1 ... </s>] as ids."""

    def __init__(self, tokenizer: Tokenizer, pairs: list[Pair], max_tokens: int) -> None:
        """Encode pairs.  max_tokens: pairs with a longer side, its end token included, are left out; 0 takes all."""
        vocabulary = tokenizer.get_vocab()
        start = vocabulary[START]
        end = vocabulary[END]
        sources: list[list[int]] = []
        targets: list[list[int]] = []
        columns = zip(*pairs, strict=True)
        for source, target in zip(*(encode_texts(tokenizer, column) for column in columns), strict=True):
            if not max_tokens or max(len(source), len(target)) < max_tokens:
                sources.append([*source, end])
                targets.append([start, *target, end])
        self.left_out = len(pairs) - len(sources)
        """Number of pairs that were too long."""
        self.sources = TokenRows(sources)
        self.targets = TokenRows(targets)

    def __len__(self) -> int:
        return len(self.sources)

    def lengths(self) -> Tensor:
        """Tokens to write, then to read, of each pair.  Returns int64 [pairs, 2]."""
        return torch.stack([self.targets.lengths - 1, self.sources.lengths], 1)

    def batch(self, rows: Tensor, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Some pairs: sources and their mask [B, M], what the decoder reads and learns [B, T].  rows: int64 [B]."""
        source_ids, source_keep = self.sources.padded(rows)
        target_ids, target_keep = self.targets.padded(rows)
        wanted = target_ids.where(target_keep.bool(), NO_TARGET)[:, 1:]
        read = target_ids[:, :-1]
        return source_ids.to(device), source_keep.to(device), read.to(device), wanted.to(device)

    def tensors(self) -> list[Tensor]:
        """All that was read, for a fingerprint."""
        return [self.sources.ids, self.targets.ids, self.sources.lengths, self.targets.lengths]


class TranslationTask(TrainingTask):
    """Pairs of a source and its target, in batches of like length and size."""

    metric = "perplexity"

    def __init__(self, recipe: TranslationRecipe, device: torch.device, tokenizer: Tokenizer | None = None) -> None:
        self.recipe = recipe
        self.config = recipe.train
        self.device = device
        train, valid = read_pairs(recipe.data)
        both = itertools.chain.from_iterable(train)
        self.tokenizer = tokenizer or make_tokenizer(recipe.tokenizer, both, (START, END))
        self.train = EncodedPairs(self.tokenizer, train, recipe.data.max_tokens)
        self.valid = EncodedPairs(self.tokenizer, valid, recipe.data.max_tokens)
        if not self.train or not self.valid:
            raise DataError(f"no pair is short enough for max_tokens = {recipe.data.max_tokens}: raise it")
        cut = partial(by_tokens, limit=self.config.batch_tokens)
        self.batches = BucketBatches(self.train.lengths(), cut, self.config.seed)
        tensors = self.train.tensors() + self.valid.tensors()
        self.text = text_fingerprint(self.tokenizer, *tensors)
        self.summary = f"{len(self.train):,} pairs"
        left_out = self.train.left_out + self.valid.left_out
        if left_out:
            self.summary += f" ({left_out:,} longer than {recipe.data.max_tokens} tokens left out)"

    def build_model(self) -> Translator:
        return Translator(self.recipe.model_config(self.tokenizer.get_vocab_size()))

    def loss(self, model: Translator, index: int, share: Share = WHOLE) -> tuple[Tensor, int]:
        """Mean loss of the share in nats, with labels smoothed, and the tokens that were read and written."""
        rows = share.filled(self.batches(index))
        source_ids, source_keep, target_ids, wanted = self.train.batch(rows, self.device)
        with autocast(self.config.precision, self.device):
            # Padding stands behind the target, where causal attention does not look.
            logits = model(source_ids, target_ids, source_keep)
        loss = F.cross_entropy(
            logits.flatten(0, 1).float(),
            wanted.flatten(),
            ignore_index=NO_TARGET,
            label_smoothing=self.config.label_smoothing,
        )
        return loss, int(source_keep.sum()) + int((wanted != NO_TARGET).sum())

    def targets(self, index: int, share: Share = WHOLE) -> int:
        return int(self.train.lengths()[share.part(self.batches(index)), 0].sum())

    def tokens(self, index: int) -> int:
        return int(self.train.lengths()[self.batches(index)].sum())

    def measure(self, model: Translator, share: Share = WHOLE) -> Measured:
        return target_loss(model, self.valid, self.config.batch_tokens, share)

    def figure(self, measured: Measured) -> float:
        """Perplexity of the targets."""
        return exp_or_infinity(measured.total / measured.items)


def target_perplexity(model: Translator, pairs: EncodedPairs, batch_tokens: int = 4096) -> float:
    """exp of the mean negative log likelihood of the target tokens, `</s>` among them, without smoothing."""
    total, count = target_loss(model, pairs, batch_tokens)
    return exp_or_infinity(total / count)


def target_loss(model: Translator, pairs: EncodedPairs, batch_tokens: int, share: Share = WHOLE) -> Measured:
    """Summed negative log likelihood of the target tokens in nats, and their number."""
    total = 0.0
    count = 0
    with evaluation_mode(model) as device:
        for rows in share.pick(in_order(pairs.lengths(), partial(by_tokens, limit=batch_tokens))):
            source_ids, source_keep, target_ids, wanted = pairs.batch(rows, device)
            total += summed_loss(model(source_ids, target_ids, source_keep), wanted, NO_TARGET)
            count += int((wanted != NO_TARGET).sum())
    return Measured(total, count)
