"""What a node cannot say is refused while tracing, not left out."""

from __future__ import annotations

import pytest
import torch

from rfa_export.symbolic import linear_attention, random_projection, softmax_attention
from rfa_models import features

QKV = torch.zeros(1, 3, 48)


def test_the_projection_is_that_of_the_model() -> None:
    x, w = torch.randn(2, 5, 4, 1, 8), torch.randn(4, 16, 8)
    torch.testing.assert_close(random_projection(x, w), features.random_projection(x, w))


def test_attention_that_begins_with_a_state_is_refused() -> None:
    state = torch.zeros(1, 2, 8, 8)
    with pytest.raises(ValueError, match="the exporter threads the state"):
        linear_attention(QKV, QKV, QKV, None, state, heads=2)
    with pytest.raises(ValueError, match="the exporter threads the state"):
        softmax_attention(QKV, None, (state, state), heads=2)


def test_softmax_attention_over_padding_is_refused() -> None:
    with pytest.raises(ValueError, match="a step graph has no padding"):
        softmax_attention(QKV, torch.ones(1, 3), heads=2)


def test_softmax_heads_that_onnx_runtime_cannot_run_are_refused() -> None:
    with pytest.raises(ValueError, match="head_dim of softmax attention is 4, wanted a multiple of 8"):
        softmax_attention(QKV, heads=4)
