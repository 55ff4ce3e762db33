"""What a classifier is; checked once, here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from rfa_models.attention.config import AttentionConfig
from rfa_models.checks import LARGEST_SIZE, check_choices, check_fraction, check_whole
from rfa_models.errors import ConfigError
from rfa_models.networks.settings import Positions, check_positions

Pooling = Literal["mean", "first"]


@dataclass(frozen=True)
class ClassifierConfig:
    """An encoder over whole texts, or over pairs of texts, and a head that names their class."""

    vocab_size: int
    """N, number of tokens."""
    labels: tuple[str, ...]
    """Names of the classes, in the order of the logits."""
    layers: int = 4
    """Blocks of attention and perceptron."""
    mlp_width: int = 512
    """Width of the perceptron's hidden layer."""
    dropout: float = 0.1
    """Probability with which training leaves out a number of a branch's output."""
    pooling: Pooling = "mean"
    """`mean` over all tokens, or the `first` token, which the tokenizer then puts before every text."""
    pairs: bool = False
    """Two texts go through the same encoder, and the head sees both (document matching)."""
    max_tokens: int = 4096
    """Longer texts are cut here, in training and afterwards; 0 never cuts."""
    positions: Positions = "sinusoidal"
    """How the model knows the order; with `none`, not at all."""
    attention: AttentionConfig = field(default_factory=AttentionConfig)
    """The attention of every block."""

    def __post_init__(self) -> None:
        check_choices(self, positions=Positions, pooling=Pooling)
        check_whole(self, 1, LARGEST_SIZE, "vocab_size", "layers", "mlp_width")
        check_whole(self, 0, LARGEST_SIZE, "max_tokens")
        check_fraction(self, "dropout")
        if len(self.labels) < 2 or len(set(self.labels)) < len(self.labels) or not all(self.labels):
            raise ConfigError(f"labels are {list(self.labels)}, wanted two or more different names")
        self.attention.check_without_order("a classifier")
        check_positions(self.positions, self.width)

    @property
    def width(self) -> int:
        """E, width of the residual stream."""
        return self.attention.width
