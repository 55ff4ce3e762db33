"""What training must know of a task: its data, its loss and its measure.  One file beside this one for each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tokenizers import Tokenizer
from torch import Tensor

from rfa_models.networks.kinds import Model
from rfa_runtime.bundle.manifest import NO_SPECIAL_IDS


class TrainingTask(ABC):
    """Data that are read and encoded; everything is a function of the batch's number."""

    metric: str
    """Name of the figure that `evaluate` gives."""
    tokenizer: Tokenizer
    text: str
    """Fingerprint of everything that is trained and measured on."""
    summary: str
    """How much there is to learn from, for people."""
    segment_length: int = 0
    """What the checkpoint says of it."""
    special_ids = NO_SPECIAL_IDS
    """The tokens that begin and end a text, where a language model learns them."""
    sampling: Mapping[str, Any] = MappingProxyType({})
    """How a language model's tokens are chosen where nobody says it."""
    other_matrices = True
    """Whether every step takes other random matrices."""

    @abstractmethod
    def build_model(self) -> Model:
        """A new model, drawn from torch's generator."""

    @abstractmethod
    def loss(self, model: Any, index: int) -> tuple[Tensor, int]:
        """Mean loss of the batch with this number in nats, and the tokens that were read."""

    @abstractmethod
    def targets(self, index: int) -> int:
        """How many targets the loss of the batch with this number is the mean of."""

    @abstractmethod
    def tokens(self, index: int) -> int:
        """How many tokens the batch with this number has, without padding."""

    @abstractmethod
    def evaluate(self, model: Any) -> float:
        """The figure on the validation data."""

    def state(self) -> dict[str, Any]:
        """What a resumed run must know besides the number of its step."""
        return {}

    def load_state(self, state: dict[str, Any], model: Any) -> None:
        """Take over what `state` gave, nothing by default.  Raises ValueError or KeyError where it does not fit."""
        return
