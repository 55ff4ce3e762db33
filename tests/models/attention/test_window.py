"""A window in front of random features: the equations written out, and every way to cut a text."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from rfa_export.tolerances import FORMS_FLOAT64
from rfa_models.attention.causal import RfaAttention, SoftmaxAttention
from rfa_models.attention.config import AttentionConfig
from rfa_models.attention.features import unit
from rfa_models.attention.neighbours import ShortConvolution, TokenShift
from rfa_models.errors import ConfigError

HEADS, GROUPS, WIDTH, VECTORS, WINDOW, LENGTH = 4, 2, 6, 5, 3, 11


def random_layer(**settings: object) -> RfaAttention:
    """A layer in float64 whose every parameter is random."""
    torch.manual_seed(0)
    table = {"heads": HEADS, "kv_heads": GROUPS, "head_dim": WIDTH, "random_vectors": VECTORS, "window": WINDOW}
    layer = RfaAttention(AttentionConfig(**(table | settings))).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return layer


def by_pairs(layer: RfaAttention, x: Tensor) -> Tensor:
    """The definition, for gated Gaussian features, a pair of tokens at a time.  x: [T, E] -> [T, E]."""
    config = layer.config
    readers = HEADS // GROUPS
    q = layer.q_proj(x).unflatten(-1, (HEADS, WIDTH))
    k = layer.k_proj(x).unflatten(-1, (GROUPS, WIDTH))
    v = layer.v_proj(x).unflatten(-1, (GROUPS, WIDTH))
    kept = torch.sigmoid(layer.gate_proj(x))

    def phi(y: Tensor, group: int) -> Tensor:
        projected = layer.random_matrices[group].double() @ (layer.sigma[group, 0] * unit(y, config))
        return torch.cat([projected.sin(), projected.cos()]) / VECTORS**0.5

    rows = []
    for t in range(len(x)):
        heads = []
        for head in range(HEADS):
            group = head // readers
            older = range(t - WINDOW + 1)
            near = [*older[: config.sinks], *range(max(0, t - WINDOW + 1), t + 1)]
            scores = torch.stack([q[t, head] @ k[s, group] / WIDTH**0.5 for s in near])
            weights = (scores - scores.max()).exp()
            num = sum(weight * v[s, group] for weight, s in zip(weights, near, strict=True))
            den = weights.sum()
            for s in older[config.sinks :]:
                share = phi(q[t, head], group) @ phi(k[s, group], group) * layer.log_share[head].exp()
                # Gates count as their tokens leave the window, so those of the window do not count yet.
                share = share * (1 - kept[s, group]) * kept[s + 1 : t - WINDOW + 1, group].prod()
                num = num + share * v[s, group]
                den = den + share
            floor = config.denominator_floor
            heads.append(num / (den.clamp_max(-floor) if den < 0 else den.clamp_min(floor)))
        rows.append(torch.cat(heads))
    return layer.out_proj(torch.stack(rows))


@pytest.mark.parametrize("sinks", [0, 2])
def test_layer_computes_its_equations(sinks: int) -> None:
    layer = random_layer(gate=True, sinks=sinks)
    x = torch.randn(2, LENGTH, HEADS * WIDTH, dtype=torch.float64)
    with torch.no_grad():
        found, _ = layer(x)
        wanted = torch.stack([by_pairs(layer, row) for row in x])
    assert (found - wanted).abs().max() <= 1e-12 * wanted.abs().max()


def test_as_long_as_the_window_is_not_full_it_is_softmax() -> None:
    layer = random_layer(window=LENGTH, gate=True)
    twin = SoftmaxAttention(AttentionConfig(kind="softmax", heads=HEADS, kv_heads=GROUPS, head_dim=WIDTH)).double()
    twin.load_state_dict(layer.state_dict(), strict=False)
    x = torch.randn(2, LENGTH, HEADS * WIDTH, dtype=torch.float64)
    with torch.no_grad():
        wanted, _ = twin(x)
        assert (layer(x)[0] - wanted).abs().max() <= 1e-12 * wanted.abs().max()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"gate": True, "key_weight": True, "rope_theta": 50.0},
        {"sinks": 2},
        {"sinks": 5, "gate": True, "key_weight": True, "rope_theta": 50.0},
    ],
)
def test_a_text_may_be_cut_anywhere(settings: dict[str, object]) -> None:
    layer = random_layer(**settings)
    x = torch.randn(2, LENGTH, HEADS * WIDTH, dtype=torch.float64)
    positions = torch.arange(LENGTH).expand(2, LENGTH)
    with torch.no_grad():
        whole, last = layer(x, None, None, positions)
        for size in range(1, LENGTH):
            state = None
            parts = []
            for start in range(0, LENGTH, size):
                part, state = layer(x[:, start : start + size], None, state, positions[:, start : start + size])
                parts.append(part)
            found = torch.cat(parts, 1)
            assert (found - whole).abs().max() <= FORMS_FLOAT64 * whole.abs().max()
            for a, b in zip(state, last, strict=True):
                assert (a - b).abs().max() <= FORMS_FLOAT64 * max(1.0, b.abs().max())


def test_gradients_flow_through_window_and_sums() -> None:
    layer = random_layer(gate=True, key_weight=True, sinks=2)
    layer(torch.randn(1, LENGTH, HEADS * WIDTH, dtype=torch.float64))[0].square().sum().backward()
    for name, parameter in layer.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("sinks", [0, 2])
def test_padding_before_a_text_is_as_if_it_were_not_there(sinks: int) -> None:
    layer = random_layer(gate=True, sinks=sinks)
    x = torch.randn(2, LENGTH, HEADS * WIDTH, dtype=torch.float64)
    padded = torch.cat([torch.randn(2, 4, HEADS * WIDTH, dtype=torch.float64), x], 1)
    keep = torch.cat([torch.zeros(2, 4), torch.ones(2, LENGTH)], 1)
    with torch.no_grad():
        wanted, _ = layer(x)
        found, _ = layer(padded, keep)
    assert (found[:, 4:] - wanted).abs().max() <= FORMS_FLOAT64 * wanted.abs().max()


def test_softmax_with_a_window_reads_nothing_older() -> None:
    torch.manual_seed(0)
    layer = SoftmaxAttention(AttentionConfig(kind="softmax", heads=2, head_dim=4, window=3))
    x = torch.randn(1, 8, 8)
    changed = x.clone()
    changed[:, :3] = 9.0
    assert torch.equal(layer(x)[0][:, 5:], layer(changed)[0][:, 5:])
    assert not torch.equal(layer(x)[0][:, 4], layer(changed)[0][:, 4])
    first, state = layer(x[:, :5])
    second, _ = layer(x[:, 5:], None, state)
    torch.testing.assert_close(torch.cat([first, second], 1), layer(x)[0])


def test_short_convolution_is_torchs() -> None:
    torch.manual_seed(0)
    layer = ShortConvolution(5, taps=4)
    x = torch.randn(2, 9, 5)
    padded = F.pad(x.transpose(1, 2), (3, 0))
    wanted = F.conv1d(padded, layer.weight.T.unsqueeze(1), layer.bias, groups=5).transpose(1, 2)
    torch.testing.assert_close(layer(x)[0], wanted)
    first, state = layer(x[:, :2])
    second, _ = layer(x[:, 2:], state)
    torch.testing.assert_close(torch.cat([first, second], 1), wanted)
    with pytest.raises(ConfigError, match="wanted 2 taps or more"):
        ShortConvolution(5, taps=1)


def test_token_shift_mixes_in_the_token_before() -> None:
    layer = TokenShift(3)
    x = torch.randn(2, 4, 3)
    found, state = layer(x)
    torch.testing.assert_close(found[:, 1:], (x[:, 1:] + x[:, :-1]) / 2)
    torch.testing.assert_close(found[:, 0], x[:, 0] / 2)
    assert torch.equal(state, x[:, -1:])
