"""What conversion adds to attention, against the equations written out for each pair of tokens."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from rfa_models.attention.causal import RfaAttention, build_attention
from rfa_models.attention.config import AttentionConfig
from rfa_models.attention.features import unit
from rfa_models.errors import ConfigError

HEADS, GROUPS, WIDTH, VECTORS, LENGTH = 4, 2, 6, 5, 7
TOLERANCE = 1e-12
"""float64, sums of a few numbers near 1."""


def random_layer(**settings: object) -> RfaAttention:
    """A layer in float64 whose every parameter is random."""
    torch.manual_seed(0)
    config = AttentionConfig(heads=HEADS, kv_heads=GROUPS, head_dim=WIDTH, random_vectors=VECTORS, **settings)
    layer = RfaAttention(config).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return layer


def phi(layer: RfaAttention, x: Tensor, group: int, side: int) -> Tensor:
    """The features of one vector of one head.  x: [d].  side: the head's place in its group; the last is the key's."""
    config = layer.config
    if config.feature_map == "elu":
        return torch.where(x > 0, x + 1, x.exp())
    if config.feature_map == "hedgehog":
        projected = layer.side_matrices[side, group] @ x
        return torch.cat([projected.softmax(0), (-projected).softmax(0)])
    projected = layer.random_matrices[group].double() @ (layer.sigma[group, 0] * unit(x, config))
    if config.feature_map == "arccos":
        return projected.relu() / math.sqrt(VECTORS)
    return torch.cat([projected.sin(), projected.cos()]) / math.sqrt(VECTORS)


def by_pairs(layer: RfaAttention, x: Tensor) -> Tensor:
    """The definition, a pair of tokens at a time.  x: [T, E] -> [T, E]."""
    config = layer.config
    readers = HEADS // GROUPS
    q = layer.q_proj(x).unflatten(-1, (HEADS, WIDTH))
    k = layer.k_proj(x).unflatten(-1, (GROUPS, WIDTH))
    v = layer.v_proj(x).unflatten(-1, (GROUPS, WIDTH))
    kept = torch.ones(len(x), GROUPS, dtype=torch.float64)
    weight = torch.ones(len(x), GROUPS, dtype=torch.float64)
    if config.gate:
        kept = torch.sigmoid(layer.gate_proj(x))
        weight = 1 - kept
    if config.key_weight:
        weight = weight * layer.key_proj(x).clamp(-8, 8).exp()
    rows = []
    for t in range(len(x)):
        heads = []
        for head in range(HEADS):
            group = head // readers
            query = phi(layer, q[t, head], group, head % readers)
            num = torch.zeros(WIDTH, dtype=torch.float64)
            den = torch.zeros((), dtype=torch.float64)
            for s in range(t + 1):
                share = query @ phi(layer, k[s, group], group, readers)
                share = share * weight[s, group] * kept[s + 1 : t + 1, group].prod()
                num = num + share * v[s, group]
                den = den + share
            floor = config.denominator_floor
            heads.append(num / (den.clamp_max(-floor) if den < 0 else den.clamp_min(floor)))
        rows.append(torch.cat(heads))
    return layer.out_proj(torch.stack(rows))


@pytest.mark.parametrize("gate", [False, True], ids=["plain", "gate"])
@pytest.mark.parametrize("key_weight", [False, True], ids=["equal keys", "weighed keys"])
@pytest.mark.parametrize("feature_map", ["gaussian", "arccos", "hedgehog", "elu"])
def test_layer_computes_its_equations(feature_map: str, key_weight: bool, gate: bool) -> None:
    learned = feature_map in ("gaussian", "arccos")
    layer = random_layer(feature_map=feature_map, gate=gate, key_weight=key_weight, learned_vectors=learned)
    x = torch.randn(2, LENGTH, HEADS * WIDTH, dtype=torch.float64)
    with torch.no_grad():
        found, _ = layer(x)
        wanted = torch.stack([by_pairs(layer, row) for row in x])
    assert (found - wanted).abs().max() <= TOLERANCE * max(1.0, wanted.abs().max())


def test_a_key_counts_within_bounds() -> None:
    layer = random_layer(key_weight=True)
    with torch.no_grad():
        layer.key_proj.bias.fill_(1e6)
    output, (sums, _) = layer(torch.randn(1, 3, HEADS * WIDTH, dtype=torch.float64))
    assert output.isfinite().all()
    assert sums.isfinite().all()


def test_gates_begin_with_half_lives_from_one_token_to_the_longest() -> None:
    layer = RfaAttention(AttentionConfig(heads=7, head_dim=4, gate=True, gate_half_life=64.0))
    half_lives = -math.log(2) / F.logsigmoid(layer.gate_proj.bias)
    torch.testing.assert_close(half_lives, torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0]))


def test_learned_vectors_are_the_layers_own() -> None:
    layer = random_layer(learned_vectors=True)
    layer(torch.randn(1, 3, HEADS * WIDTH, dtype=torch.float64))[0].sum().backward()
    assert layer.random_matrices.grad.abs().max() > 0


def test_softmax_twin_shares_keys_as_rfa_does() -> None:
    torch.manual_seed(0)
    layer = build_attention(AttentionConfig(kind="softmax", heads=HEADS, kv_heads=GROUPS, head_dim=WIDTH)).double()
    x = torch.randn(2, LENGTH, HEADS * WIDTH, dtype=torch.float64)
    found, (keys, _) = layer(x)
    q = layer.q_proj(x).unflatten(-1, (HEADS, WIDTH)).transpose(1, 2)
    k, v = (
        projection(x).unflatten(-1, (GROUPS, WIDTH)).transpose(1, 2).repeat_interleave(HEADS // GROUPS, 1)
        for projection in (layer.k_proj, layer.v_proj)
    )
    wanted = layer.out_proj(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))
    assert (found - wanted).abs().max() <= TOLERANCE
    assert keys.shape == (2, GROUPS, LENGTH, WIDTH)
    first, state = layer(x[:, :3])
    second, _ = layer(x[:, 3:], None, state)
    assert (torch.cat([first, second], 1) - wanted).abs().max() <= TOLERANCE


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"heads": 6, "kv_heads": 4}, "kv_heads is 4, which does not divide heads = 6"),
        ({"kv_heads": 0}, "kv_heads is 0, wanted a whole number"),
        ({"gate_half_life": 0.0}, "gate_half_life is 0.0, wanted a number"),
        ({"kind": "softmax", "key_weight": True}, "key_weight = true with kind = 'softmax'"),
    ],
)
def test_config_refuses_what_cannot_work(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        AttentionConfig(**settings)
