"""The package against float64 references: one written here from the equations, and the project's golden vectors."""

from pathlib import Path

import numpy as np
import pytest
import reference
import torch
from torch import Tensor

from rfa_export.tolerances import FORMS_FLOAT64
from rfa_models.attention.causal import RfaAttention, leave_out_padding
from rfa_models.attention.config import AttentionConfig
from rfa_models.attention.denominator import normalize
from rfa_models.attention.features import arccos, gaussian, unit
from rfa_models.attention.linear_attention import one_token, quadratic
from rfa_models.attention.parallel.chunked import chunked
from rfa_models.attention.random_matrices import random_projection
from rfa_models.attention.summary import read_summary, summarize

GOLDEN = Path(__file__).parents[2] / "data" / "golden.npz"
"""Written by a program in numpy that repeats the paper's equations and shares no line with this package."""

kinds = pytest.mark.parametrize("kind", ["gaussian", "arccos"])
gates = pytest.mark.parametrize("gate", ["plain", "gate"])
paddings = pytest.mark.parametrize("padding", ["full", "padded"])
forms = pytest.mark.parametrize("form", ["quadratic", "chunked", "one_token"])


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(GOLDEN) as file:
        return dict(file)


def draw(kind: str) -> dict[str, np.ndarray]:
    """Inputs under the names that golden.npz has."""
    rng = np.random.default_rng(5)
    batch, length, heads, width, vectors = 2, 9, 2, 6, 10
    x = {name: rng.standard_normal((batch, length, heads, width)) for name in ("q", "k", "v")}
    keep = np.ones((batch, length))
    keep[0, :2] = keep[1, 3] = keep[1, -2:] = 0  # left, in the middle, right
    gate = 1 / (1 + np.exp(-rng.standard_normal((batch, length, heads)) - 1))
    w = rng.standard_normal((heads, vectors, width)) * rng.uniform(0.5, 1.5, (heads, 1, width))
    return {f"{kind}.{name}": value for name, value in (x | {"w": w, "keep": keep, "gate": gate}).items()}


def config_for(kind: str, w: np.ndarray) -> AttentionConfig:
    heads, vectors, width = w.shape
    return AttentionConfig(feature_map=kind, heads=heads, head_dim=width, random_vectors=vectors)


def package_features(x: np.ndarray, w: np.ndarray, config: AttentionConfig) -> Tensor:
    """The package's features, without the scale.  [B, T, H, d] -> [B, T, H, K]."""
    projected = random_projection(unit(torch.tensor(x).unsqueeze(-2), config), torch.tensor(w))
    return (gaussian if config.feature_map == "gaussian" else arccos)(projected).flatten(-2)


def package_attention(vectors: dict[str, np.ndarray], kind: str, gated: bool, padded: bool, form: str) -> dict:
    """out, S and z of the package; the scale s of the features, which it applies once, is put back into S and z."""
    q, k, v, w, gate, keep = (vectors[f"{kind}.{name}"] for name in ("q", "k", "v", "w", "gate", "keep"))
    config = config_for(kind, w)
    phi_q, phi_k = package_features(q, w, config) * config.scale**2, package_features(k, w, config)
    values = torch.nn.functional.pad(torch.tensor(v), (0, 1), value=1.0)
    log_decay = None
    if gated:
        log_decay, values = torch.tensor(gate).log(), (1 - torch.tensor(gate)).unsqueeze(-1) * values
    if padded:
        packed, log_decay = leave_out_padding(phi_k.flatten(2), log_decay, torch.tensor(keep))
        phi_k = packed.view_as(phi_k)
    sums, state = run(form, phi_q, phi_k, values, log_decay)
    s = config.scale
    return {"out": normalize(sums, config), "S": state[..., :-1] * s, "z": state[..., -1] * s}


def run(form: str, phi_q: Tensor, phi_k: Tensor, v: Tensor, log_decay: Tensor | None) -> tuple[Tensor, Tensor]:
    if form == "quadratic":
        return quadratic(phi_q, phi_k, v, log_decay)
    if form == "chunked":
        return chunked(phi_q, phi_k, v, log_decay, chunk=5)
    outputs, state = [], None
    for t in range(v.shape[1]):
        now = [None if x is None else x[:, t : t + 1] for x in (phi_q, phi_k, v, log_decay)]
        output, state = one_token(*now, state)
        outputs.append(output)
    return torch.cat(outputs, 1), state


def assert_equal(found: Tensor, wanted: np.ndarray) -> None:
    assert tuple(found.shape) == wanted.shape
    assert np.abs(found.numpy() - wanted).max() <= FORMS_FLOAT64 * max(1.0, np.abs(wanted).max())


@kinds
def test_features_equal_the_reference(kind: str) -> None:
    vectors = draw(kind)
    w = vectors[f"{kind}.w"]
    config = config_for(kind, w)
    for name in ("q", "k"):
        wanted = reference.features(vectors[f"{kind}.{name}"], w, kind)
        assert_equal(package_features(vectors[f"{kind}.{name}"], w, config) * config.scale, wanted)


@kinds
@gates
@paddings
@forms
def test_every_form_equals_the_reference(kind: str, gate: str, padding: str, form: str) -> None:
    vectors = draw(kind)
    w = vectors[f"{kind}.w"]
    phi_q, phi_k = (reference.features(vectors[f"{kind}.{name}"], w, kind) for name in ("q", "k"))
    wanted = reference.causal(
        phi_q,
        phi_k,
        vectors[f"{kind}.v"],
        vectors[f"{kind}.gate"] if gate == "gate" else None,
        vectors[f"{kind}.keep"] if padding == "padded" else None,
    )
    found = package_attention(vectors, kind, gate == "gate", padding == "padded", form)
    for name in ("out", "S", "z"):
        assert_equal(found[name], wanted[name])


@kinds
def test_features_equal_the_golden_vectors(golden: dict[str, np.ndarray], kind: str) -> None:
    w = golden[f"{kind}.w"]
    config = config_for(kind, w)
    for name in ("q", "k"):
        found = package_features(golden[f"{kind}.{name}"], w, config) * config.scale
        assert_equal(found, golden[f"{kind}.phi_{name}"])


@kinds
@gates
@paddings
@forms
def test_every_form_equals_the_golden_vectors(
    golden: dict[str, np.ndarray], kind: str, gate: str, padding: str, form: str
) -> None:
    found = package_attention(golden, kind, gate == "gate", padding == "padded", form)
    for name in ("out", "S", "z"):
        assert_equal(found[name], golden[f"{kind}.causal.{gate}.{padding}.{name}"])


@kinds
@gates
@paddings
def test_reference_equals_the_golden_vectors(golden: dict[str, np.ndarray], kind: str, gate: str, padding: str) -> None:
    w, g, keep = (golden[f"{kind}.{name}"] for name in ("w", "gate", "keep"))
    phi_q, phi_k = (reference.features(golden[f"{kind}.{name}"], w, kind) for name in ("q", "k"))
    found = reference.causal(
        phi_q, phi_k, golden[f"{kind}.v"], g if gate == "gate" else None, keep if padding == "padded" else None
    )
    for name in ("out", "S", "z"):
        assert_equal(torch.tensor(found[name]), golden[f"{kind}.causal.{gate}.{padding}.{name}"])


@kinds
@gates
def test_the_whole_layer_follows_the_equations(kind: str, gate: str) -> None:
    config = AttentionConfig(
        feature_map=kind, gate=gate == "gate", gate_bias=0.5, heads=2, head_dim=4, random_vectors=6, chunk=3
    )
    layer = RfaAttention(config).double().eval()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    x, keep = torch.randn(2, 8, config.width, dtype=torch.float64), torch.ones(2, 8)
    keep[1, 5:] = 0

    def project(linear: torch.nn.Linear) -> np.ndarray:
        return np.einsum("btj,ij->bti", x.numpy(), linear.weight.detach().numpy()) + linear.bias.detach().numpy()

    def heads(linear: torch.nn.Linear) -> np.ndarray:
        return project(linear).reshape(2, 8, 2, 4)

    w = (layer.sigma * layer.random_matrices).detach().numpy()
    phi_q, phi_k = (reference.features(heads(linear), w, kind) for linear in (layer.q_proj, layer.k_proj))
    g = 1 / (1 + np.exp(-project(layer.gate_proj))) if gate == "gate" else None
    attended = reference.causal(phi_q, phi_k, heads(layer.v_proj), g, keep.numpy())["out"].reshape(2, 8, 8)
    wanted = attended @ layer.out_proj.weight.detach().numpy().T + layer.out_proj.bias.detach().numpy()
    assert_equal(layer(x, keep)[0].detach(), wanted)


@kinds
@paddings
def test_cross_attention_gives_the_golden_vectors(golden: dict[str, np.ndarray], kind: str, padding: str) -> None:
    q, k, v, w, keep = (golden[f"{kind}.{name}"] for name in ("q", "src_k", "src_v", "w", "src_keep"))
    config = config_for(kind, w)
    phi_q, phi_k = package_features(q, w, config) * config.scale**2, package_features(k, w, config)
    if padding == "padded":
        phi_k = phi_k * torch.tensor(keep)[:, :, None, None]
    state = summarize(phi_k, torch.nn.functional.pad(torch.tensor(v), (0, 1), value=1.0))
    found = {"out": normalize(read_summary(phi_q, state), config)}
    found |= {"S": state[..., :-1] * config.scale, "z": state[..., -1] * config.scale}
    for name, value in found.items():
        np.testing.assert_allclose(value, golden[f"{kind}.cross.{padding}.{name}"], atol=FORMS_FLOAT64, rtol=0)
