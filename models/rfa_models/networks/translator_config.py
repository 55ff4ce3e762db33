"""What a translator is; checked once, here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from rfa_models.attention.config import AttentionConfig
from rfa_models.checks import LARGEST_SIZE, check_choices, check_fraction, check_whole
from rfa_models.errors import ConfigError
from rfa_models.networks.settings import Activation, Positions, check_positions

Norm = Literal["pre", "post"]


@dataclass(frozen=True)
class TranslatorConfig:
    """An encoder-decoder over one vocabulary for both languages.  Defaults are the paper's kinds of attention."""

    vocab_size: int
    """N, number of tokens."""
    encoder_layers: int = 4
    """Blocks that read the source."""
    decoder_layers: int = 4
    """Blocks that write the target."""
    mlp_width: int = 1024
    """Width of the perceptron's hidden layer."""
    dropout: float = 0.1
    """Probability with which training leaves out a number of a branch's output."""
    norm: Norm = "pre"
    """Normalize before each branch, or after each sum as in the original transformer."""
    activation: Activation = "gelu"
    """Between the two layers of the perceptron."""
    positions: Positions = "sinusoidal"
    """How the model knows the order; with `none`, the decoder knows it by its recurrence only."""
    tie_embeddings: bool = True
    """Use the embedding, which source and target share, as the output projection too."""
    encoder_attention: AttentionConfig = field(default_factory=lambda: AttentionConfig(kind="softmax"))
    """Softmax in the paper; `rfa` makes reading a source linear in its length too."""
    causal_attention: AttentionConfig = field(default_factory=AttentionConfig)
    """Of the decoder, over the target so far."""
    cross_attention: AttentionConfig = field(default_factory=AttentionConfig)
    """Without a gate.  It may have more random vectors than the causal one."""

    def __post_init__(self) -> None:
        check_choices(self, positions=Positions, norm=Norm, activation=Activation)
        check_whole(self, 1, LARGEST_SIZE, "vocab_size", "encoder_layers", "decoder_layers", "mlp_width")
        check_fraction(self, "dropout")
        widths = {self.encoder_attention.width, self.causal_attention.width, self.cross_attention.width}
        if len(widths) > 1:
            raise ConfigError(f"the attentions are {sorted(widths)} wide (heads x head_dim), wanted one width for all")
        for name in ("encoder_attention", "cross_attention"):
            getattr(self, name).check_without_order(name)
        if self.causal_attention.kind != self.cross_attention.kind:
            raise ConfigError(
                f"causal attention is {self.causal_attention.kind}, cross attention {self.cross_attention.kind}: "
                "make both the same kind"
            )
        check_positions(self.positions, self.width)

    @property
    def width(self) -> int:
        """E, width of the residual stream."""
        return self.causal_attention.width
