"""What a node cannot say is refused while tracing, not left out."""

from __future__ import annotations

import pytest
import torch

from rfa_export.tracing.symbolic import (
    linear_attention,
    projection_of_a_sequence,
    random_projection,
    read_summary,
    softmax_attention,
)
from rfa_models.attention import random_matrices, summary

QKV = torch.zeros(1, 3, 48)


def test_the_projection_is_that_of_the_model() -> None:
    x, w = torch.randn(2, 5, 4, 1, 8), torch.randn(4, 16, 8)
    for written in (random_projection, projection_of_a_sequence):
        torch.testing.assert_close(written(x, w), random_matrices.random_projection(x, w))


def test_a_summary_is_read_as_in_the_model() -> None:
    phi_q, sums = torch.randn(2, 5, 4, 16), torch.randn(2, 4, 16, 9)
    torch.testing.assert_close(read_summary(phi_q, sums), summary.read_summary(phi_q, sums))


def test_attention_that_begins_with_a_state_is_refused() -> None:
    state = torch.zeros(1, 2, 8, 8)
    with pytest.raises(ValueError, match="the exporter threads the state"):
        linear_attention(QKV, QKV, QKV, QKV, None, (state, state), heads=2)
    with pytest.raises(ValueError, match="the exporter threads the state"):
        softmax_attention(QKV, None, (state, state), heads=2)


def test_softmax_attention_over_padding_is_refused() -> None:
    with pytest.raises(ValueError, match="a step graph has no padding"):
        softmax_attention(QKV, torch.ones(1, 3), heads=2)


def test_softmax_heads_that_onnx_runtime_cannot_run_are_refused() -> None:
    with pytest.raises(ValueError, match="head_dim of softmax attention is 4, wanted a multiple of 8"):
        softmax_attention(QKV, heads=4)
