"""Sinusoidal positions are those of the paper, for text of any length."""

import math

import pytest
import torch

from rfa_models.positions import sinusoids


@pytest.mark.parametrize("position", [0, 1, 7, 1000])
def test_each_entry_is_a_sine_or_cosine_of_a_geometric_frequency(position):
    found = sinusoids(torch.tensor([[position]]), 8)[0, 0].tolist()
    angles = [position / 10_000 ** (2 * i / 8) for i in range(4)]
    assert found == pytest.approx([math.sin(a) for a in angles] + [math.cos(a) for a in angles], abs=1e-4)


def test_positions_far_out_are_finite_and_differ():
    first, second = sinusoids(torch.tensor([[1_000_000, 1_000_001]]), 16)[0]
    assert first.isfinite().all()
    assert (first - second).abs().max() > 0.1
