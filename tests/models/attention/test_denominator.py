"""Three ways to keep the denominator away from zero, with their signs and gradients."""

import pytest
import torch

from rfa_models.attention.config import AttentionConfig
from rfa_models.attention.denominator import keep_from_zero, normalize

FLOOR = 0.5
KINDS = ["signed_floor", "clamp", "abs_clamp"]


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("signed_floor", [-2.0, -0.5, -0.5, 0.5, 0.5, 0.5, 2.0]),
        ("clamp", [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 2.0]),
        ("abs_clamp", [2.0, 0.5, 0.5, 0.5, 0.5, 0.5, 2.0]),
    ],
)
def test_each_kind_is_its_own_function(kind: str, wanted: list[float]) -> None:
    den = torch.tensor([-2.0, -0.5, -0.1, 0.0, 0.1, 0.5, 2.0])
    assert keep_from_zero(den, kind, FLOOR).tolist() == wanted


def test_signed_floor_takes_both_zeros_as_positive() -> None:
    assert keep_from_zero(torch.tensor([0.0, -0.0]), "signed_floor", FLOOR).tolist() == [FLOOR, FLOOR]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("den", [0.0, -0.0, FLOOR, -FLOOR, 1e-30, -1e-30, 3.0, -3.0])
def test_gradients_stay_finite(kind: str, den: float) -> None:
    sums = torch.tensor([1.0, -2.0, den], requires_grad=True)
    output = normalize(sums, AttentionConfig(denominator=kind, denominator_floor=FLOOR))
    output.sum().backward()
    assert output.isfinite().all()
    assert sums.grad.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_no_gradient_reaches_a_denominator_under_the_floor(kind: str) -> None:
    den = torch.tensor([-0.1, 0.0, 0.1], requires_grad=True)
    keep_from_zero(den, kind, FLOOR).sum().backward()
    assert den.grad.tolist() == [0.0, 0.0, 0.0]


def test_normalize_divides_by_the_last_channel() -> None:
    sums = torch.tensor([[2.0, 4.0, -2.0], [3.0, 6.0, 3.0]])
    assert normalize(sums, AttentionConfig()).tolist() == [[-1.0, -2.0], [1.0, 2.0]]
