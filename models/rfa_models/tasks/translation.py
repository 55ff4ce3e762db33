"""The translator's training: the next token of a target, given its source."""

from __future__ import annotations

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
from rfa_models.tasks.perplexity import exp_or_infinity, summed_loss
from rfa_models.tasks.task import TrainingTask

NO_TARGET = -100
"""Stands where there is padding in place of a target: cross entropy leaves it out."""


class EncodedPairs:
    """Sources [x1 ... </s>] and targets [<s> y1 ... </s>] as ids."""

    def __init__(self, tokenizer: Tokenizer, pairs: list[Pair], max_tokens: int) -> None:
        """Encode pairs.  max_tokens: pairs with a longer side are left out, 0 takes all."""
        start, end = tokenizer.token_to_id(START), tokenizer.token_to_id(END)
        texts = (encode_texts(tokenizer, side) for side in zip(*pairs, strict=True))
        rows = [([*source, end], [start, *target, end]) for source, target in zip(*texts, strict=True)]
        kept = [row for row in rows if not max_tokens or max(len(row[0]), len(row[1]) - 1) <= max_tokens]
        self.left_out = len(rows) - len(kept)
        self.sources, self.targets = (TokenRows([row[side] for row in kept]) for side in (0, 1))

    def __len__(self) -> int:
        return len(self.sources)

    def lengths(self) -> Tensor:
        """Tokens to write, then to read, of each pair.  Returns int64 [pairs, 2]."""
        return torch.stack([self.targets.lengths - 1, self.sources.lengths], 1)

    def batch(self, rows: Tensor, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Some pairs: sources and their mask [B, M], what the decoder reads and learns [B, T]."""
        source_ids, source_keep = self.sources.padded(rows)
        target_ids, target_keep = self.targets.padded(rows)
        wanted = target_ids.where(target_keep.bool(), NO_TARGET)[:, 1:]
        parts = (source_ids, source_keep, target_ids[:, :-1], wanted)
        return tuple(part.to(device) for part in parts)  # type: ignore[return-value]


class TranslationTask(TrainingTask):
    """Pairs of like length in batches of like size."""

    metric = "perplexity"

    def __init__(self, recipe: TranslationRecipe, device: torch.device) -> None:
        self.recipe, self.config, self.device = recipe, recipe.train, device
        train, valid = read_pairs(recipe.data)
        both = (text for pair in train for text in pair)
        self.tokenizer = make_tokenizer(recipe.tokenizer, both, (START, END))
        self.train, self.valid = (
            EncodedPairs(self.tokenizer, pairs, recipe.data.max_tokens) for pairs in (train, valid)
        )
        if not self.train or not self.valid:
            raise DataError(f"no pair is short enough for max_tokens = {recipe.data.max_tokens}: raise it")
        cut = partial(by_tokens, limit=self.config.batch_tokens)
        self.batches = BucketBatches(self.train.lengths(), cut, self.config.seed)
        tensors = (part.ids for pairs in (self.train, self.valid) for part in (pairs.sources, pairs.targets))
        lengths = (part.lengths for pairs in (self.train, self.valid) for part in (pairs.sources, pairs.targets))
        self.text = text_fingerprint(self.tokenizer, *tensors, *lengths)
        left_out = self.train.left_out + self.valid.left_out
        self.summary = f"{len(self.train):,} pairs" + (
            f" ({left_out:,} longer than {recipe.data.max_tokens} tokens left out)" if left_out else ""
        )

    def build_model(self) -> Translator:
        """As TrainingTask.build_model."""
        return Translator(self.recipe.model_config(self.tokenizer.get_vocab_size()))

    def loss(self, model: Translator, index: int) -> tuple[Tensor, int]:
        """As TrainingTask.loss; the loss is smoothed."""
        source_ids, source_keep, target_ids, wanted = self.train.batch(self.batches(index), self.device)
        with autocast(self.config, self.device):
            # Padding stands behind the target, where causal attention does not look.
            logits = model(source_ids, target_ids, source_keep)
        loss = F.cross_entropy(
            logits.flatten(0, 1).float(),
            wanted.flatten(),
            ignore_index=NO_TARGET,
            label_smoothing=self.config.label_smoothing,
        )
        return loss, int(source_keep.sum()) + int((wanted != NO_TARGET).sum())

    def evaluate(self, model: Translator) -> float:
        """Perplexity of the validation targets, each token given the right ones before it."""
        return target_perplexity(model, self.valid, self.config.batch_tokens)


@torch.no_grad()
def target_perplexity(model: Translator, pairs: EncodedPairs, batch_tokens: int = 4096) -> float:
    """exp of the mean negative log likelihood of the target tokens, `</s>` among them, without smoothing."""
    device, was_training = next(model.parameters()).device, model.training
    model.eval()
    total = 0.0
    for rows in in_order(pairs.lengths(), partial(by_tokens, limit=batch_tokens)):
        source_ids, source_keep, target_ids, wanted = pairs.batch(rows, device)
        total += summed_loss(model(source_ids, target_ids, source_keep), wanted, NO_TARGET)
    model.train(was_training)
    return exp_or_infinity(total / int((pairs.targets.lengths - 1).sum()))
