"""What a language model is; checked once, here."""

from __future__ import annotations

from dataclasses import dataclass, field

from rfa_models.attention.config import AttentionConfig
from rfa_models.checks import LARGEST_SIZE, check_choices, check_fraction, check_whole
from rfa_models.networks.settings import Activation, Positions, check_positions


@dataclass(frozen=True)
class ModelConfig:
    """A decoder-only language model: pre-norm blocks around one kind of attention.

    Raises ConfigError on a value that cannot work.
    """

    vocab_size: int
    """N, number of tokens."""
    layers: int = 4
    """Blocks of attention and perceptron."""
    mlp_width: int = 1024
    """Width of the perceptron's hidden layer."""
    dropout: float = 0.0
    """Probability with which training leaves out a number of a branch's output."""
    activation: Activation = "gelu"
    """Between the two layers of the perceptron."""
    tie_embeddings: bool = True
    """Use the embedding as the output projection too."""
    positions: Positions = "sinusoidal"
    """How the model knows the order; with `none`, by the recurrence only."""
    attention: AttentionConfig = field(default_factory=AttentionConfig)
    """The attention of every block."""

    def __post_init__(self) -> None:
        check_choices(self, positions=Positions, activation=Activation)
        check_whole(self, 1, LARGEST_SIZE, "vocab_size", "layers", "mlp_width")
        check_fraction(self, "dropout")
        check_positions(self.positions, self.width)

    @property
    def width(self) -> int:
        """E, width of the residual stream."""
        return self.attention.width
