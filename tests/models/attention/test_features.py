"""Feature maps estimate the kernels they are named after."""

import math
from collections.abc import Callable

import pytest
import torch

from rfa_models.attention.config import AttentionConfig
from rfa_models.attention.features import arccos, gaussian, unit
from rfa_models.attention.random_matrices import random_projection

COUNT = 100_000
ERROR = 5 / math.sqrt(COUNT)
"""Five standard deviations of a mean of COUNT terms of variance up to 1."""
ROUNDING = 1e-15
"""Numbers of 1 at most that were rounded a few times (eps 2.2e-16)."""


def estimate(feature_map: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> float:
    """phi(x).phi(y) with the paper's scale, from COUNT random vectors."""
    w = torch.randn(1, COUNT, len(x), generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    phi_x, phi_y = (feature_map(random_projection(z.view(1, 1, 1, 1, -1), w)).flatten() for z in (x, y))
    return float(phi_x @ phi_y) / COUNT


def pair(angle: float, length: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """A unit vector and one at an angle to it."""
    x, y = torch.zeros(2, 6, dtype=torch.float64)
    x[0], y[0], y[1] = 1.0, length * math.cos(angle), length * math.sin(angle)
    return x, y


angles = pytest.mark.parametrize("angle", [0.0, 0.5, math.pi / 2, 2.5, math.pi])


@angles
@pytest.mark.parametrize("length", [1.0, 1.7])
def test_gaussian_features_estimate_the_gaussian_kernel(angle: float, length: float) -> None:
    x, y = pair(angle, length)
    assert estimate(gaussian, x, y) == pytest.approx(math.exp(-float((x - y).square().sum()) / 2), abs=ERROR)


@angles
@pytest.mark.parametrize("length", [1.0, 1.7])
def test_arccos_features_estimate_the_arc_cosine_kernel(angle: float, length: float) -> None:
    x, y = pair(angle, length)
    kernel = length * (math.sin(angle) + (math.pi - angle) * math.cos(angle)) / (2 * math.pi)
    assert estimate(arccos, x, y) == pytest.approx(kernel, abs=2 * length * ERROR)


def test_gaussian_features_are_sines_then_cosines() -> None:
    projected = torch.randn(2, 3, 4, 1, 5, dtype=torch.float64)
    found = gaussian(projected)
    assert found.shape == (2, 3, 4, 2, 5)
    torch.testing.assert_close(found, torch.cat([projected.sin(), projected.cos()], -2), atol=ROUNDING, rtol=0)


def test_gaussian_features_of_any_vector_have_length_one() -> None:
    squares = gaussian(10 * torch.randn(2, 3, 4, 1, 5, dtype=torch.float64)).square().sum((-1, -2)) / 5
    torch.testing.assert_close(squares, torch.ones_like(squares))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("length", [1e-3, 1.0, 1e3])
def test_guarded_norm_gives_unit_length(length: float, dtype: torch.dtype) -> None:
    x = torch.randn(20, 7, dtype=dtype)
    norms = unit(x / x.norm(dim=-1, keepdim=True) * length, AttentionConfig()).norm(dim=-1)
    torch.testing.assert_close(norms, torch.ones_like(norms), atol=4 * torch.finfo(dtype).eps + 1e-10, rtol=0)


def test_guarded_norm_shifts_unit_vectors_by_nothing_that_float64_shows() -> None:
    x = torch.randn(20, 7, dtype=torch.float64)
    torch.testing.assert_close(unit(x, AttentionConfig()), x / x.norm(dim=-1, keepdim=True), atol=ROUNDING, rtol=0)


def test_additive_norm_is_the_authors() -> None:
    x = torch.randn(20, 7, dtype=torch.float64)
    found = unit(x, AttentionConfig(unit_norm="additive", unit_norm_eps=1e-3))
    torch.testing.assert_close(found, x / (x.norm(dim=-1, keepdim=True) + 1e-3))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", ["guarded", "additive"])
def test_zero_vector_stays_zero_with_a_finite_gradient(kind: str, dtype: torch.dtype) -> None:
    x = torch.zeros(1, 7, dtype=dtype, requires_grad=True)
    found = unit(x, AttentionConfig(unit_norm=kind))
    found.sum().backward()
    assert torch.equal(found, torch.zeros_like(x))
    assert x.grad.isfinite().all()


def test_training_has_the_features_of_evaluation() -> None:
    """With a gradient they are computed in another way, by at most an eps or two at each step."""
    x = torch.randn(2, 3, 4, 1, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    watched = x.clone().requires_grad_()
    torch.testing.assert_close(unit(watched, AttentionConfig()), unit(x, AttentionConfig()), atol=ROUNDING, rtol=0)
    torch.testing.assert_close(gaussian(watched), gaussian(x), atol=ROUNDING, rtol=0)


@pytest.mark.parametrize("function", [gaussian, lambda x: unit(x, AttentionConfig())], ids=["gaussian", "unit"])
def test_gradients_that_are_written_out_equal_finite_differences(
    function: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    x = torch.randn(2, 3, 1, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(function, x)
