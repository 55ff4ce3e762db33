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
    layers: int = 4
    mlp_width: int = 1024
    dropout: float = 0.0
    activation: Activation = "gelu"
    tie_embeddings: bool = True
    """Use the embedding as the output projection too."""
    positions: Positions = "sinusoidal"
    attention: AttentionConfig = field(default_factory=AttentionConfig)

    def __post_init__(self) -> None:
        check_choices(self, positions=Positions, activation=Activation)
        check_whole(self, 1, LARGEST_SIZE, "vocab_size", "layers", "mlp_width")
        check_fraction(self, "dropout")
        check_positions(self.positions, self.width)

    @property
    def width(self) -> int:
        """E, width of the residual stream."""
        return self.attention.width
