"""What a language model is; checked once, here."""

from __future__ import annotations

from dataclasses import dataclass, field

from rfa_models.attention.config import AttentionConfig
from rfa_models.checks import LARGEST_SIZE, check_choices, check_fraction, check_positive, check_whole
from rfa_models.errors import ConfigError
from rfa_models.networks.settings import Activation, LanguagePositions, Normalization, check_positions


@dataclass(frozen=True)
class ModelConfig:
    """A decoder-only language model of pre-norm blocks.  The defaults are ours; GPT-2 and Llama are other settings.

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
    """Between the layers of the perceptron."""
    gated_mlp: bool = False
    """Let one projection of the perceptron gate another, as Llama does with silu."""
    mlp_bias: bool = True
    """Whether the perceptron's layers have a bias."""
    normalization: Normalization = "layer"
    """The norm before each branch and before the head."""
    norm_eps: float = 1e-5
    """Added to variances before their root is taken."""
    tie_embeddings: bool = True
    """Use the embedding as the output projection too."""
    scaled_embedding: bool = True
    """Multiply embeddings by the root of the width, which makes them as large as sinusoids."""
    positions: LanguagePositions = "sinusoidal"
    """How the model knows the order; with `none`, by the recurrence and by rotary positions of the attention only."""
    trained_length: int | None = None
    """Tokens of the longest text that the model was trained with.  Nothing ends there, but nothing is known beyond it.
    Learned positions have a vector for each of them; later tokens take the last one's."""
    attention: AttentionConfig = field(default_factory=AttentionConfig)
    """The attention of every block."""
    layer_attention: tuple[AttentionConfig, ...] = ()
    """The attention of each block, where they differ; empty means `attention` in all."""

    def __post_init__(self) -> None:
        check_choices(self, positions=LanguagePositions, activation=Activation, normalization=Normalization)
        check_whole(self, 1, LARGEST_SIZE, "vocab_size", "layers", "mlp_width")
        check_fraction(self, "dropout")
        check_positive(self, "norm_eps")
        check_positions(self.positions, self.width)
        if self.trained_length is not None:
            check_whole(self, 1, LARGEST_SIZE, "trained_length")
        elif self.positions == "learned":
            raise ConfigError(
                "positions = 'learned' without a trained_length: each position has a vector, say how many"
            )
        self.check_layers()

    def check_layers(self) -> None:
        """Raise ConfigError where the blocks' own attention is not one for each, all of one width."""
        if not self.layer_attention:
            return
        if len(self.layer_attention) != self.layers:
            raise ConfigError(f"layer_attention has {len(self.layer_attention)} entries, layers is {self.layers}")
        for place, config in enumerate(self.layer_attention):
            if config.width != self.width:
                raise ConfigError(f"layer_attention[{place}] has width {config.width}, the model has {self.width}")

    def attention_of(self, layer: int) -> AttentionConfig:
        """The attention of a block, counted from 0."""
        return self.layer_attention[layer] if self.layer_attention else self.attention

    @property
    def width(self) -> int:
        """E, width of the residual stream."""
        return self.attention.width
