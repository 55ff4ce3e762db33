"""Settings that the models share.

Configs and recipes are checked with these words before torch is loaded, so nothing here imports it.
"""

from __future__ import annotations

from typing import Literal

from rfa_models.errors import ConfigError

Activation = Literal["gelu", "relu"]
Positions = Literal["sinusoidal", "fairseq", "none"]
"""Sinusoids of `position_ids`, fairseq's variant of them, or nothing: the recurrence itself knows the order."""


def check_positions(positions: Positions, width: int) -> None:
    """Raise ConfigError for a width that sines and cosines would not fill, or that fairseq's formula divides by 0."""
    if positions != "none" and width % 2:
        raise ConfigError(f"sinusoidal positions need an even width, heads x head_dim is {width}")
    if positions == "fairseq" and width < 4:
        raise ConfigError(f"fairseq's positions need a width of 4 at least, heads x head_dim is {width}")
