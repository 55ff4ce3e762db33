"""Rotary positions are a turn in the complex plane, by an angle that grows with the position."""

import pytest
import torch

from rfa_export.tolerances import FORMS_FLOAT64
from rfa_models.attention.causal import build_attention
from rfa_models.attention.config import AttentionConfig
from rfa_models.attention.rotary import rotate, rotation
from rfa_models.errors import ConfigError

HEADS, WIDTH, THETA = 2, 6, 100.0


def turned(x: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """The definition: channels i and i + d / 2 are one complex number.  x: [B, T, H d]."""
    by_head = x.unflatten(-1, (HEADS, 2, WIDTH // 2))
    numbers = torch.complex(by_head[..., 0, :], by_head[..., 1, :])
    exponents = torch.arange(WIDTH // 2, dtype=torch.float64) * 2 / WIDTH
    angles = positions[..., None].double() / THETA**exponents
    numbers = numbers * torch.polar(torch.ones_like(angles), angles)[:, :, None]
    return torch.stack([numbers.real, numbers.imag], -2).flatten(2)


def test_channels_are_turned_in_pairs_half_a_head_apart() -> None:
    x = torch.randn(2, 5, HEADS * WIDTH, dtype=torch.float64)
    positions = torch.tensor([[0, 1, 2, 3, 4], [7, 9, 2, 0, 31]])
    found = rotate(x, rotation(positions, WIDTH, THETA), HEADS)
    torch.testing.assert_close(found, turned(x, positions), atol=1e-5, rtol=0)  # angles are float32


def test_softmax_sees_distances_and_not_positions() -> None:
    """Random features do so in the mean alone: each draw has directions of its own."""
    torch.manual_seed(0)
    layer = build_attention(AttentionConfig(kind="softmax", heads=HEADS, head_dim=WIDTH, rope_theta=THETA)).double()
    x = torch.randn(1, 5, HEADS * WIDTH, dtype=torch.float64)
    here, _ = layer(x, None, None, torch.arange(5)[None])
    there, _ = layer(x, None, None, torch.arange(100, 105)[None])
    torch.testing.assert_close(here, there, atol=1e-4, rtol=0)  # angles are float32
    elsewhere, _ = layer(x, None, None, torch.arange(0, 10, 2)[None])
    assert (here - elsewhere).abs().max() > 1e-3


@pytest.mark.parametrize("kind", ["rfa", "softmax"])
def test_positions_count_from_zero_where_none_are_given(kind: str) -> None:
    torch.manual_seed(0)
    layer = build_attention(AttentionConfig(kind=kind, heads=HEADS, head_dim=WIDTH, rope_theta=THETA))
    x = torch.randn(2, 5, HEADS * WIDTH)
    positions = torch.arange(5).expand(2, 5)
    assert torch.equal(layer(x)[0], layer(x, None, None, positions)[0])


def test_an_odd_head_cannot_be_turned() -> None:
    with pytest.raises(ConfigError, match="head_dim = 5: channels are turned in pairs"):
        AttentionConfig(head_dim=5, rope_theta=THETA)


def test_a_text_may_be_cut_anywhere() -> None:
    torch.manual_seed(0)
    config = AttentionConfig(heads=4, kv_heads=2, head_dim=WIDTH, rope_theta=THETA, gate=True, key_weight=True)
    layer = build_attention(config).double()
    x = torch.randn(2, 9, 4 * WIDTH, dtype=torch.float64)
    positions = torch.arange(9).expand(2, 9)
    whole, last = layer(x, None, None, positions)
    for cut in range(1, 9):
        first, state = layer(x[:, :cut], None, None, positions[:, :cut])
        second, state = layer(x[:, cut:], None, state, positions[:, cut:])
        joined = torch.cat([first, second], 1)
        assert (joined - whole).abs().max() <= FORMS_FLOAT64 * whole.abs().max()
        for found, wanted in zip(state, last, strict=True):
            assert (found - wanted).abs().max() <= FORMS_FLOAT64 * wanted.abs().max()
