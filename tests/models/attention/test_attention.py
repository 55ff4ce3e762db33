"""Attention layers: in parallel or token by token, padded or not, RFA or softmax, the same call."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from rfa_export.tolerances import FORMS_FLOAT64
from rfa_models.attention.causal import CausalAttention, RfaAttention, SoftmaxAttention, build_attention
from rfa_models.attention.config import AUTHORS, AttentionConfig
from rfa_models.attention.denominator import keep_from_zero
from rfa_models.attention.projections import affine
from rfa_models.errors import ConfigError

LAYERS = {
    "gaussian": {},
    "gate": {"gate": True},
    "arccos": {"feature_map": "arccos"},
    "arccos-gate": {"feature_map": "arccos", "gate": True},
    "authors": AUTHORS,
    "softmax": {"kind": "softmax"},
}
layers = pytest.mark.parametrize("settings", LAYERS.values(), ids=LAYERS.keys())


@pytest.fixture
def layer(small_attention: Callable[..., AttentionConfig], settings: dict[str, Any]) -> CausalAttention:
    """A layer in float64, none of its parameters at its initial value."""
    layer = build_attention(small_attention(**settings)).double().eval()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return layer


def tokens(batch: int = 2, length: int = 11) -> torch.Tensor:
    return torch.randn(batch, length, 16, dtype=torch.float64)


def assert_same(found: torch.Tensor, wanted: torch.Tensor) -> None:
    torch.testing.assert_close(found, wanted, atol=FORMS_FLOAT64, rtol=FORMS_FLOAT64)


@layers
@pytest.mark.parametrize("prefill", [1, 4, 9])
def test_parallel_form_equals_prefill_then_token_by_token(layer: CausalAttention, prefill: int) -> None:
    x = tokens()
    whole, end = layer(x)
    output, state = layer(x[:, :prefill])
    outputs = [output]
    for t in range(prefill, x.shape[1]):
        output, state = layer(x[:, t : t + 1], None, state)
        outputs.append(output)
    assert_same(torch.cat(outputs, 1), whole)
    for found, wanted in zip(state, end, strict=True):
        assert_same(found, wanted)


@layers
def test_parallel_form_goes_on_from_a_state(layer: CausalAttention) -> None:
    x = tokens()
    first, state = layer(x[:, :3])
    second, _ = layer(x[:, 3:], None, state)
    assert_same(torch.cat([first, second], 1), layer(x)[0])


@layers
@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_leaves_real_tokens_and_other_rows_unchanged(layer: CausalAttention, side: str) -> None:
    x = tokens(length=8)
    short = slice(3, 8) if side == "left" else slice(0, 5)
    keep = torch.zeros(2, 8, dtype=torch.float64)
    keep[0], keep[1, short] = 1, 1
    output, _ = layer(x, keep)
    assert_same(output[0], layer(x)[0][0])
    assert_same(output[1, short], layer(x[1:, short])[0][0])
    assert output.isfinite().all()


@pytest.mark.parametrize("settings", [{}, {"gate": True}], ids=["plain", "gate"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_leaves_the_state_as_if_it_were_not_there(layer: CausalAttention, side: str) -> None:
    x = tokens(batch=1, length=8)
    short = slice(3, 8) if side == "left" else slice(0, 5)
    keep = torch.zeros(1, 8)
    keep[0, short] = 1
    assert_same(layer(x, keep)[1], layer(x[:, short])[1])


@pytest.mark.parametrize("settings", [{}, {"gate": True}], ids=["plain", "gate"])
def test_decoding_goes_on_from_a_padded_prompt_as_from_the_prompt_alone(layer: CausalAttention) -> None:
    x = tokens(batch=1, length=8)
    keep = torch.ones(1, 7)
    keep[0, :3] = 0
    _, padded = layer(x[:, :7], keep)
    _, alone = layer(x[:, 3:7])
    assert_same(layer(x[:, 7:], None, padded)[0], layer(x[:, 7:], None, alone)[0])


@layers
def test_what_padding_holds_does_not_matter(layer: CausalAttention) -> None:
    x = tokens()
    keep = torch.ones(2, 11, dtype=torch.bool)
    keep[1, :4] = False
    other = torch.where(keep.unsqueeze(-1), x, 100.0)
    assert_same(layer(other, keep)[0][keep], layer(x, keep)[0][keep])


def test_rfa_and_softmax_are_built_by_the_same_call_with_the_same_projections(
    small_attention: Callable[..., AttentionConfig],
) -> None:
    rfa, softmax = build_attention(small_attention()), build_attention(small_attention(kind="softmax"))
    assert isinstance(rfa, RfaAttention)
    assert isinstance(softmax, SoftmaxAttention)
    extra = {"sigma", "random_matrices"}
    assert set(rfa.state_dict()) - extra == set(softmax.state_dict())


def test_state_of_rfa_has_one_size_whatever_the_length(small_attention: Callable[..., AttentionConfig]) -> None:
    layer = RfaAttention(small_attention()).double()
    for length in (3, 30):
        sums, normalizer = layer(tokens(length=length))[1]
        assert sums.shape == (2, 2, 16, 8)
        assert normalizer.shape == (2, 2, 16, 1)


def test_softmax_layer_is_softmax_attention(small_attention: Callable[..., AttentionConfig]) -> None:
    layer = SoftmaxAttention(small_attention(kind="softmax")).double()
    x = tokens()
    q, k, v = (p(x).unflatten(-1, (2, 8)).transpose(1, 2) for p in (layer.q_proj, layer.k_proj, layer.v_proj))
    hidden = torch.ones(11, 11, dtype=torch.bool).triu(1)
    weights = (q @ k.mT / 8**0.5).masked_fill(hidden, -torch.inf).softmax(-1)
    assert_same(layer(x)[0], layer.out_proj((weights @ v).transpose(1, 2).flatten(2)))


def test_constants_of_the_authors_can_be_chosen_and_change_the_result(
    small_attention: Callable[..., AttentionConfig],
) -> None:
    config = small_attention(**AUTHORS)
    assert (config.scale, config.denominator, config.denominator_floor) == (0.1, "clamp", 1.0)
    layer = RfaAttention(config).double()
    ours = RfaAttention(small_attention()).double()
    ours.load_state_dict(layer.state_dict())
    x = tokens()
    assert not torch.allclose(layer(x)[0], ours(x)[0], rtol=1e-2)


def test_first_token_under_the_authors_constants_is_damped_as_theirs(
    small_attention: Callable[..., AttentionConfig],
) -> None:
    layer = RfaAttention(small_attention(**AUTHORS)).double()
    x = tokens(length=1)
    q, k, v = (p(x).view(2, 2, 8) for p in (layer.q_proj, layer.k_proj, layer.v_proj))

    def phi(y: torch.Tensor) -> torch.Tensor:
        y = y / (y.norm(dim=-1, keepdim=True) + 1e-3)
        angle = torch.einsum("bhd,hkd->bhk", y, layer.random_matrices)
        return 0.1 * torch.cat([angle.sin(), angle.cos()], -1)

    weight = (phi(q) * phi(k)).sum(-1, keepdim=True)
    attended = weight * v / keep_from_zero(weight, "clamp", 1.0)
    assert weight.max() < 1
    assert_same(layer(x)[0], layer.out_proj(attended.flatten(1).unsqueeze(1)))


def test_temperature_divides_the_random_vectors(small_attention: Callable[..., AttentionConfig]) -> None:
    layer, warm = (RfaAttention(small_attention(tau=tau)).double() for tau in (1.0, 2.0))
    warm.load_state_dict(layer.state_dict())
    with torch.no_grad():
        layer.sigma.div_(2.0)
    x = tokens()
    assert_same(warm(x)[0], layer(x)[0])


@pytest.mark.parametrize("settings", [{}, {"gate": True}], ids=["plain", "gate"])
def test_bfloat16_autocast_keeps_the_state_in_float32(
    small_attention: Callable[..., AttentionConfig], settings: dict[str, Any]
) -> None:
    floor = {"denominator": "clamp", "denominator_floor": 1.0}  # near zero, any rounding makes any number
    layer = RfaAttention(small_attention(**floor, **settings))
    x = tokens().float()
    with torch.autocast("cpu", torch.bfloat16):
        output, state = layer(x)
        _, state = layer(x[:, :1], None, state)
    assert output.dtype == torch.bfloat16
    assert {part.dtype for part in state} == {torch.float32}
    torch.testing.assert_close(output.float(), layer(x)[0], atol=0.1, rtol=0.05)


def test_gradients_reach_every_parameter_and_are_finite(small_attention: Callable[..., AttentionConfig]) -> None:
    layer = RfaAttention(small_attention(gate=True))
    layer(tokens().float())[0].square().sum().backward()
    for name, parameter in layer.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_gate_starts_almost_open(small_attention: Callable[..., AttentionConfig]) -> None:
    layer = RfaAttention(small_attention(gate=True, gate_bias=3.0)).double()
    _, _, (forget,) = layer.project(tokens(), affine(layer.v_proj), *layer.per_head())
    torch.testing.assert_close(torch.sigmoid(-forget), torch.full_like(forget, 0.9525741268224334))


@pytest.mark.parametrize("logit", [-1000.0, -40.0, 40.0, 1000.0])
def test_extreme_gate_logits_give_finite_results_and_gradients(
    small_attention: Callable[..., AttentionConfig], logit: float
) -> None:
    layer = RfaAttention(small_attention(gate=True, gate_bias=logit))
    output, (sums, normalizer) = layer(tokens().float())
    (output.sum() + sums.sum() + normalizer.sum()).backward()
    assert output.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in layer.parameters())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"heads": 0}, "heads is 0"),
        ({"tau": float("nan")}, "tau is nan"),
        ({"heads": True}, "heads is True"),
        ({"denominator": "floor"}, "wanted one of signed_floor, clamp, abs_clamp"),
        ({"pool_size": 1}, "at least heads = 2"),
        ({"kind": "softmax", "gate": True}, "only RFA has that"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(
    small_attention: Callable[..., AttentionConfig], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        small_attention(**settings)


def test_features_and_scale_follow_from_the_config() -> None:
    assert AttentionConfig(random_vectors=16).features == 32
    assert AttentionConfig(random_vectors=16, feature_map="arccos").features == 16
    assert AttentionConfig(random_vectors=16).scale == 0.25
    assert AttentionConfig(feature_scale=0.1).scale == 0.1
