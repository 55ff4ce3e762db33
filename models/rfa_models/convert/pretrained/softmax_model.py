"""A pretrained model as we hold it: a language model with softmax attention, and what belongs to its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tokenizers import Tokenizer

from rfa_models.checkpoints.checkpoint import Checkpoint
from rfa_models.networks.language_model import LanguageModel
from rfa_runtime.bundle.manifest import NO_SPECIAL_IDS, SpecialIds


@dataclass(frozen=True)
class SoftmaxModel:
    """A teacher."""

    model: LanguageModel
    """In evaluation mode, float32, on the CPU."""
    tokenizer: Tokenizer
    special_ids: SpecialIds = NO_SPECIAL_IDS
    """The tokens that begin and end a text."""
    sampling: Mapping[str, Any] = field(default_factory=dict)
    """How tokens are chosen where nobody says it, by the names of SamplingConfig."""
    chat_template: str | None = None
    """In the language of Jinja."""
    notes: tuple[str, ...] = ()
    """What a user should know of how the model was read, a sentence each."""

    def checkpoint(self) -> Checkpoint:
        """The same as a checkpoint, which can be saved, exported and compared with."""
        length = self.model.config.trained_length or 0
        others = (self.special_ids, self.sampling, self.chat_template)
        return Checkpoint(self.model, self.tokenizer, length, {}, *others)
