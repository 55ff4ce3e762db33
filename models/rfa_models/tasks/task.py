"""What training must know of a task: its data, its loss and its measure.  One file beside this one for each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from tokenizers import Tokenizer
from torch import Tensor

from rfa_models.networks.kinds import Model
from rfa_models.tasks.share import WHOLE, Share
from rfa_runtime.bundle.manifest import NO_SPECIAL_IDS


class Measured(NamedTuple):
    """What the validation data, or a part of them, came to."""

    total: float
    """The loss of all tokens in nats, or the texts whose class was found."""
    items: int
    """Tokens predicted, or texts."""


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
    def loss(self, model: Any, index: int, share: Share = WHOLE) -> tuple[Tensor, int]:
        """Mean loss of a share of the batch with this number in nats, and the tokens that were read.

        A share without targets has the loss of others' targets: it must not count.
        """

    @abstractmethod
    def targets(self, index: int, share: Share = WHOLE) -> int:
        """How many targets a share of the batch with this number has."""

    @abstractmethod
    def tokens(self, index: int) -> int:
        """How many tokens the batch with this number has, without padding."""

    @abstractmethod
    def measure(self, model: Any, share: Share = WHOLE) -> Measured:
        """Measure a share of the validation data.  What all shares come to, added up, is for `figure`."""

    @abstractmethod
    def figure(self, measured: Measured) -> float:
        """The figure on the validation data."""

    def state(self, share: Share = WHOLE) -> dict[str, list[Tensor] | None]:
        """What a resumed run must know besides the number of its step.

        Tensors are 0 where other processes have rows: added up over all shares, they are the state of the run.
        """
        return {}

    def load_state(self, state: dict[str, Any], model: Any, share: Share = WHOLE) -> None:
        """Take over what `state` gave, nothing by default.  Raises ValueError or KeyError where it does not fit."""
        return
