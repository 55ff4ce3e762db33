"""Sinusoidal positions are those of the paper, for text of any length."""

import math

import pytest
import torch

from rfa_models.attention.config import AttentionConfig
from rfa_models.errors import ConfigError
from rfa_models.networks.language_model_config import ModelConfig
from rfa_models.networks.positions import sinusoids

ANGLE = 2e-4
"""An angle of 1,000 in float32 (eps 6e-8), computed from a rounded frequency."""


@pytest.mark.parametrize("position", [0, 1, 7, 1000])
def test_each_entry_is_a_sine_or_cosine_of_a_geometric_frequency(position: int) -> None:
    found = sinusoids(torch.tensor([[position]]), 8)[0, 0].tolist()
    angles = [position / 10_000 ** (2 * i / 8) for i in range(4)]
    assert found == pytest.approx([math.sin(a) for a in angles] + [math.cos(a) for a in angles], abs=ANGLE)


def test_positions_far_out_are_finite_and_differ() -> None:
    first, second = sinusoids(torch.tensor([[1_000_000, 1_000_001]]), 16)[0]
    assert first.isfinite().all()
    assert (first - second).abs().max() > 0.1


@pytest.mark.parametrize("position", [0, 1, 7, 1000])
def test_fairseqs_positions_start_at_two_and_end_at_the_lowest_frequency(position: int) -> None:
    found = sinusoids(torch.tensor([[position]]), 8, "fairseq")[0, 0].tolist()
    angles = [(position + 2) / 10_000 ** (i / 3) for i in range(4)]
    assert found == pytest.approx([math.sin(a) for a in angles] + [math.cos(a) for a in angles], abs=ANGLE)


@pytest.mark.parametrize(("positions", "heads", "message"), [("sinusoidal", 3, "even width"), ("fairseq", 2, "of 4")])
def test_a_width_that_positions_cannot_fill_is_refused(positions: str, heads: int, message: str) -> None:
    attention = AttentionConfig(heads=heads, head_dim=1)
    with pytest.raises(ConfigError, match=message):
        ModelConfig(10, positions=positions, attention=attention)
    ModelConfig(10, positions="none", attention=attention)
