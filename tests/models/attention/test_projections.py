"""Linear layers of attention begin as those of the authors' code."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from rfa_models.attention.causal import RfaAttention, SoftmaxAttention
from rfa_models.attention.config import AttentionConfig
from rfa_models.attention.cross import RfaCrossAttention, SoftmaxCrossAttention
from rfa_models.attention.encoder import RfaEncoderAttention
from rfa_models.attention.projections import Projections

CAUSAL = (RfaAttention, SoftmaxAttention, RfaEncoderAttention)
CROSS = (RfaCrossAttention, SoftmaxCrossAttention)
MakeLayer = Callable[[Callable[[AttentionConfig], Projections]], Projections]


@pytest.fixture
def make_layer(small_attention: Callable[..., AttentionConfig]) -> MakeLayer:
    def make(kind: Callable[[AttentionConfig], Projections]) -> Projections:
        return kind(small_attention(heads=4, head_dim=32, pool_size=4))

    return make


@pytest.mark.parametrize("kind", [*CAUSAL, *CROSS])
def test_all_four_weights_have_gain_one_over_root_two(make_layer: MakeLayer, kind: Any) -> None:
    """Xavier's uniform numbers lie within gain * sqrt(6 / (inputs + outputs)): of 16,384 some come near the end."""
    layer = make_layer(kind)
    bound = math.sqrt(1 / 2) * math.sqrt(6 / (128 + 128))
    for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
        weight = getattr(layer, name).weight
        assert weight.abs().max().item() == pytest.approx(bound, rel=0.01), name
        assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02), name


@pytest.mark.parametrize("kind", CAUSAL)
def test_biases_of_query_key_and_value_stay_as_torch_draws_them(make_layer: MakeLayer, kind: Any) -> None:
    torch.manual_seed(3)
    drawn = [nn.Linear(128, 128) for _ in range(3)]
    torch.manual_seed(3)
    layer = make_layer(kind)
    for linear, name in zip(drawn, ("q_proj", "k_proj", "v_proj"), strict=True):
        assert torch.equal(getattr(layer, name).bias, linear.bias), name
    assert not layer.out_proj.bias.any()


@pytest.mark.parametrize("kind", CROSS)
def test_the_query_of_cross_attention_begins_without_a_bias(make_layer: MakeLayer, kind: Any) -> None:
    layer = make_layer(kind)
    assert not layer.q_proj.bias.any()
    assert not layer.out_proj.bias.any()
    assert layer.k_proj.bias.any()
    assert layer.v_proj.bias.any()
