"""Attention in both directions: every token sees all others, and padding is not there."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from rfa_export.tolerances import FORMS_FLOAT64
from rfa_models.attention.config import AttentionConfig
from rfa_models.attention.cross import RfaCrossAttention
from rfa_models.attention.encoder import EncoderAttention, build_encoder_attention
from rfa_models.errors import ConfigError

kinds = pytest.mark.parametrize(
    "settings", [{"kind": "rfa"}, {"kind": "rfa", "feature_map": "arccos"}, {"kind": "softmax"}], ids=str
)


@pytest.fixture
def layer_of(small_attention: Callable[..., AttentionConfig]) -> Callable[..., EncoderAttention]:
    return lambda **settings: build_encoder_attention(small_attention(**settings)).double()


def x(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64)


@kinds
def test_the_order_of_the_tokens_moves_the_outputs_along(
    layer_of: Callable[..., EncoderAttention], settings: dict[str, Any]
) -> None:
    layer, tokens, order = layer_of(**settings), x(2, 6, 16), [3, 0, 5, 1, 2, 4]
    torch.testing.assert_close(layer(tokens[:, order]), layer(tokens)[:, order], atol=FORMS_FLOAT64, rtol=0)


@kinds
def test_padding_is_not_there_wherever_it_stands(
    layer_of: Callable[..., EncoderAttention], settings: dict[str, Any]
) -> None:
    layer, tokens = layer_of(**settings), x(2, 6, 16)
    keep = torch.tensor([[1, 1, 1, 0, 0, 0], [0, 1, 1, 0, 1, 1]])
    found = layer(tokens, keep)
    for row in range(2):
        real = keep[row].bool()
        wanted = layer(tokens[row : row + 1, real])
        torch.testing.assert_close(found[row : row + 1, real], wanted, atol=FORMS_FLOAT64, rtol=0)


def test_it_reads_its_own_sums_as_cross_attention_reads_a_source(
    layer_of: Callable[..., EncoderAttention], small_attention: Callable[..., AttentionConfig]
) -> None:
    layer, tokens = layer_of(), x(2, 6, 16)
    cross = RfaCrossAttention(small_attention()).double()
    cross.load_state_dict(layer.state_dict())
    torch.testing.assert_close(layer(tokens), cross(tokens, cross.read_source(tokens)), atol=FORMS_FLOAT64, rtol=0)


@pytest.mark.parametrize("bad", [torch.float16, torch.bfloat16])
def test_sums_stay_in_float32_under_autocast(layer_of: Callable[..., EncoderAttention], bad: torch.dtype) -> None:
    layer, tokens = layer_of().float(), torch.randn(1, 6, 16)
    with torch.autocast("cpu", dtype=bad):
        found = layer(tokens)
    torch.testing.assert_close(found.float(), layer(tokens), atol=0.05, rtol=0)


def test_a_gate_is_refused(layer_of: Callable[..., EncoderAttention]) -> None:
    with pytest.raises(ConfigError, match="gate = true in an encoder"):
        layer_of(gate=True)
