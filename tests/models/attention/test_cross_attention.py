"""Attention to a source: the same for every target position, independent of padding, of fixed size for RFA."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from rfa_export.tolerances import FORMS_FLOAT64
from rfa_models.attention.config import AUTHORS, AttentionConfig
from rfa_models.attention.cross import CrossAttention, RfaCrossAttention, SoftmaxCrossAttention, build_cross_attention
from rfa_models.errors import ConfigError

KINDS = [
    {"kind": "rfa"},
    {"kind": "rfa", "feature_map": "arccos"},
    {"kind": "rfa", "random_vectors": 24, **AUTHORS, "denominator": "abs_clamp"},
    {"kind": "softmax"},
]
kinds = pytest.mark.parametrize("settings", KINDS, ids=["gaussian", "arccos", "authors", "softmax"])


@pytest.fixture
def layer_of(small_attention: Callable[..., AttentionConfig]) -> Callable[..., CrossAttention]:
    """A layer in float64 whose sigma is not 1 everywhere."""

    def build(**settings: Any) -> CrossAttention:
        layer = build_cross_attention(small_attention(**settings)).double()
        if isinstance(layer, RfaCrossAttention):
            torch.nn.init.uniform_(layer.sigma, 0.5, 1.5)
        return layer

    return build


def x(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64)


@kinds
def test_every_target_position_reads_the_same_source(
    layer_of: Callable[..., CrossAttention], settings: dict[str, Any]
) -> None:
    layer, source, target = layer_of(**settings), x(2, 7, 16), x(2, 5, 16)
    together = layer(target, layer.read_source(source))
    alone = torch.cat([layer(target[:, i : i + 1], layer.read_source(source)) for i in range(5)], 1)
    torch.testing.assert_close(together, alone, atol=FORMS_FLOAT64, rtol=0)


@kinds
def test_the_order_of_the_source_does_not_matter(
    layer_of: Callable[..., CrossAttention], settings: dict[str, Any]
) -> None:
    layer, source, target = layer_of(**settings), x(2, 7, 16), x(2, 5, 16)
    found = layer(target, layer.read_source(source.flip(1)))
    torch.testing.assert_close(found, layer(target, layer.read_source(source)), atol=FORMS_FLOAT64, rtol=0)


@kinds
def test_padding_of_the_source_is_not_there(layer_of: Callable[..., CrossAttention], settings: dict[str, Any]) -> None:
    layer, source, target = layer_of(**settings), x(2, 7, 16), x(2, 5, 16)
    keep = torch.tensor([[1, 1, 1, 1, 0, 0, 0], [0, 1, 1, 1, 1, 1, 0]])
    found = layer(target, layer.read_source(source, keep), keep)
    each = [layer(target[i : i + 1], layer.read_source(source[i : i + 1, keep[i].bool()])) for i in range(2)]
    wanted = torch.cat(each)
    # Relative to the largest: where phi(q).z is nearly zero it is far above 1.
    torch.testing.assert_close(found, wanted, atol=FORMS_FLOAT64 * wanted.abs().max().item(), rtol=0)


def test_what_rfa_keeps_of_a_source_has_one_size_and_softmax_keeps_every_token(
    layer_of: Callable[..., CrossAttention],
) -> None:
    rfa, softmax = layer_of(kind="rfa"), layer_of(kind="softmax")
    assert {tuple(rfa.read_source(x(1, m, 16))[0].shape) for m in (1, 10, 1000)} == {(1, 2, 16, 9)}
    assert [softmax.read_source(x(1, m, 16))[0].shape[2] for m in (1, 10, 1000)] == [1, 10, 1000]


def test_it_is_the_sum_over_the_source_divided_by_the_sum_of_weights(layer_of: Callable[..., CrossAttention]) -> None:
    layer, source, target = layer_of(kind="rfa"), x(1, 6, 16), x(1, 1, 16)
    config = layer.config
    q, k, v = (p(y).view(-1, 2, 8) for p, y in ((layer.q_proj, target), (layer.k_proj, source), (layer.v_proj, source)))
    w = layer.sigma * layer.random_matrices.double()
    heads = []
    for head in range(2):
        features = [
            torch.cat([(y[:, head] @ w[head].T).sin(), (y[:, head] @ w[head].T).cos()], -1)
            for y in (q / q.norm(dim=-1, keepdim=True), k / k.norm(dim=-1, keepdim=True))
        ]
        weights = features[0] @ features[1].T / config.random_vectors
        assert weights.sum() > config.denominator_floor
        heads.append(weights @ v[:, head] / weights.sum())
    wanted = layer.out_proj(torch.cat(heads, -1))
    torch.testing.assert_close(layer(target, layer.read_source(source))[0], wanted, atol=FORMS_FLOAT64, rtol=0)


def test_gradients_reach_source_target_and_sigma(layer_of: Callable[..., CrossAttention]) -> None:
    layer, source, target = layer_of(kind="rfa"), x(1, 6, 16).requires_grad_(), x(1, 2, 16).requires_grad_()
    layer(target, layer.read_source(source)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in (source, target, layer.sigma))


def test_the_twins_have_the_same_projections(layer_of: Callable[..., CrossAttention]) -> None:
    rfa, softmax = layer_of(kind="rfa"), layer_of(kind="softmax")
    assert isinstance(softmax, SoftmaxCrossAttention)
    assert dict(rfa.named_parameters()).keys() - dict(softmax.named_parameters()).keys() == {"sigma"}


def test_a_gate_is_refused(small_attention: Callable[..., AttentionConfig]) -> None:
    with pytest.raises(ConfigError, match="gate = true in cross attention"):
        build_cross_attention(small_attention(gate=True))
