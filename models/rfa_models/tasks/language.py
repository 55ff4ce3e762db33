"""The language model's training: the next token in segments of one long text."""

from __future__ import annotations

from itertools import chain
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from rfa_models.attention.linear_attention import State
from rfa_models.data.documents import encode_documents, read_documents
from rfa_models.data.fingerprint import text_fingerprint
from rfa_models.data.segments import SegmentBatches, StreamBatches
from rfa_models.data.texts import encode, read_texts
from rfa_models.data.tokenizer import END, START, make_tokenizer
from rfa_models.errors import DataError
from rfa_models.networks.language_model import LanguageModel
from rfa_models.recipes.recipe import LanguageRecipe
from rfa_models.tasks.autocast import autocast
from rfa_models.tasks.perplexity import check_predictable, exp_or_infinity, text_loss
from rfa_models.tasks.share import WHOLE, Share
from rfa_models.tasks.task import Measured, TrainingTask
from rfa_runtime.bundle.manifest import SpecialIds


class LanguageTask(TrainingTask):
    """Segments of a text, each of which starts from an empty state."""

    metric = "perplexity"

    def __init__(self, recipe: LanguageRecipe, device: torch.device, tokenizer: Tokenizer | None = None) -> None:
        self.recipe = recipe
        self.config = recipe.train
        self.device = device
        self.sampling = recipe.sampling
        if recipe.data.documents == "none":
            self.read_text(tokenizer)
        else:
            self.read_documents(tokenizer)
        self.batches = self.cut()
        self.rows = torch.arange(self.config.batch_size)
        """The rows of a batch."""
        check_predictable(self.valid_ids, "the validation text")
        self.text = text_fingerprint(self.tokenizer, self.train_ids, self.valid_ids)
        self.summary = f"{len(self.train_ids):,} training tokens"
        self.segment_length = 0 if self.config.stateful else self.config.segment_length

    def read_text(self, tokenizer: Tokenizer | None) -> None:
        """One text without an end."""
        train_text, valid_text = read_texts(self.recipe.data)
        self.tokenizer = tokenizer or make_tokenizer(self.recipe.tokenizer, train_text.splitlines(keepends=True))
        self.train_ids = encode(self.tokenizer, train_text)
        self.valid_ids = encode(self.tokenizer, valid_text)

    def read_documents(self, tokenizer: Tokenizer | None) -> None:
        """Many texts, each between a start token and an end token.  Raises DataError for a tokenizer without these."""
        train, valid = read_documents(self.recipe.data)
        lines = chain.from_iterable(document.splitlines(keepends=True) for document in train)
        self.tokenizer = tokenizer or make_tokenizer(self.recipe.tokenizer, lines, (START, END))
        self.special_ids = SpecialIds(self.tokenizer.token_to_id(START), self.tokenizer.token_to_id(END))
        if self.special_ids.bos is None or self.special_ids.eos is None:
            raise DataError(f"the tokenizer has no {START} and {END}: documents can only be told apart with these")
        self.train_ids = encode_documents(self.tokenizer, train)
        self.valid_ids = encode_documents(self.tokenizer, valid)

    def cut(self) -> Any:
        """The batches of the training text."""
        return SegmentBatches(self.train_ids, self.config.batch_size, self.config.segment_length, self.config.seed)

    def build_model(self) -> LanguageModel:
        return LanguageModel(self.recipe.model_config(self.tokenizer.get_vocab_size()))

    def loss(self, model: LanguageModel, index: int, share: Share = WHOLE) -> tuple[Tensor, int]:
        inputs, targets = map(share.filled, self.batches(index))
        with autocast(self.config.precision, self.device):
            logits = model(inputs.to(self.device))
        return next_token_loss(logits, targets.to(self.device)), self.targets(index, share)

    def targets(self, index: int, share: Share = WHOLE) -> int:
        return len(share.part(self.rows)) * self.config.segment_length

    def tokens(self, index: int) -> int:
        return self.targets(index)

    def measure(self, model: LanguageModel, share: Share = WHOLE) -> Measured:
        loss = text_loss(model, self.valid_ids, self.segment_length, share=share)
        return Measured(loss, len(share.part(self.valid_ids[1:])))

    def figure(self, measured: Measured) -> float:
        """Perplexity of the validation text."""
        return exp_or_infinity(measured.total / measured.items)


class StatefulLanguageTask(LanguageTask):
    """Segments that go on from the state that the one before left.

    A state can only be read with the random matrices that it was written with, so all steps use those of evaluation.
    """

    other_matrices = False

    def __init__(self, recipe: LanguageRecipe, device: torch.device, tokenizer: Tokenizer | None = None) -> None:
        super().__init__(recipe, device, tokenizer)
        self.carried: list[State] | None = None
        """One state per layer, of the last segment, for this process's share of the rows; None before the first."""

    def cut(self) -> StreamBatches:
        return StreamBatches(self.train_ids, self.config.batch_size, self.config.segment_length, self.config.seed)

    def loss(self, model: LanguageModel, index: int, share: Share = WHOLE) -> tuple[Tensor, int]:
        """Read on from where the batch before ended, so batches must come in their order."""
        inputs, targets, start = self.batches(index)
        inputs = share.filled(inputs).to(self.device)
        targets = share.filled(targets).to(self.device)
        positions = torch.arange(start, start + inputs.shape[1], device=self.device).expand_as(inputs)
        with autocast(self.config.precision, self.device):
            logits, states = model.step(inputs, positions, None, self.carried if start else None)
        self.carried = [(sums.detach(), normalizer.detach()) for sums, normalizer in states]
        return next_token_loss(logits, targets), self.targets(index, share)

    def state(self, share: Share = WHOLE) -> dict[str, list[Tensor] | None]:
        """A tensor [B, H, K, d + 1] for each layer: the sums, and the normalizer as the last channel."""
        if self.carried is None:
            return {"carried": None}
        layers = []
        for layer in self.carried:
            mine = torch.cat(layer, dim=-1)
            rows = mine.new_zeros(self.config.batch_size, *mine.shape[1:])
            kept = share.part(rows)
            kept.copy_(mine[: len(kept)])
            layers.append(rows)
        return {"carried": layers}

    def load_state(self, state: dict[str, Any], model: LanguageModel, share: Share = WHOLE) -> None:
        carried = state["carried"]
        if carried is None:
            self.carried = None
            return
        self.check_carried(carried, model)
        sizes = [model.config.attention.head_dim, 1]
        self.carried = []
        for layer in carried:
            sums, normalizer = share.filled(layer).to(self.device).split(sizes, dim=-1)
            self.carried.append((sums, normalizer))

    def check_carried(self, carried: list[Tensor], model: LanguageModel) -> None:
        """Raise ValueError where states from a file are of another model or batch, or not finite."""
        if len(carried) != model.config.layers:
            raise ValueError("the carried states are of another model")
        for place, layer in enumerate(carried):
            attention = model.config.attention_of(place)
            shape = (self.config.batch_size, attention.groups, attention.features, attention.head_dim + 1)
            if tuple(layer.shape) != shape:
                raise ValueError("the carried states are of another model")
            if not layer.isfinite().all():
                raise ValueError("the carried states are not finite")


def next_token_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean negative log likelihood, in nats.  logits: [B, T, N], targets: int64 [B, T]."""
    return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())
