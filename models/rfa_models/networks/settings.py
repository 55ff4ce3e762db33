"""Settings that the models share.

Configs and recipes are checked with these words before torch is loaded, so nothing here imports it.
"""

from __future__ import annotations

from typing import Literal

from rfa_models.errors import ConfigError

Activation = Literal["gelu", "gelu_tanh", "relu", "silu"]
"""gelu_tanh is GPT-2's approximation of gelu."""
Normalization = Literal["layer", "rms"]
"""LayerNorm, or by the root of the mean square alone, without mean and bias."""
Positions = Literal["sinusoidal", "fairseq", "none"]
"""Sinusoids of `position_ids`, fairseq's variant of them, or nothing: the recurrence itself knows the order."""
LanguagePositions = Literal["sinusoidal", "fairseq", "learned", "none"]
"""Or a trained vector for each position, of a language model.  Rotary positions belong to the attention."""


def check_positions(positions: LanguagePositions, width: int) -> None:
    """Raise ConfigError for a width that sines and cosines would not fill, or that fairseq's formula divides by 0."""
    if positions in ("sinusoidal", "fairseq") and width % 2:
        raise ConfigError(f"sinusoidal positions need an even width, heads x head_dim is {width}")
    if positions == "fairseq" and width < 4:
        raise ConfigError(f"fairseq's positions need a width of 4 at least, heads x head_dim is {width}")
