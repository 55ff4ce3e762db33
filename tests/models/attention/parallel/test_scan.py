"""The scan over blocks is the recurrence that it stands for."""

import pytest
import torch
from torch import Tensor

from rfa_export.tolerances import FORMS_FLOAT32, FORMS_FLOAT64, GRADIENTS_FLOAT64
from rfa_models.attention.parallel.scan import GROUP, scan_states

ROWS, NUMBERS = 2, 3
lengths = pytest.mark.parametrize("blocks", [1, 2, GROUP, GROUP + 1, 2 * GROUP, 5 * GROUP + 3, GROUP**2 + 7])
pasts = pytest.mark.parametrize("with_past", [False, True])


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def one_by_one(added: Tensor, log_decay: Tensor, past: Tensor | None) -> tuple[Tensor, Tensor]:
    state = torch.zeros_like(added[:, 0]) if past is None else past
    before = []
    for part, decay in zip(added.unbind(1), log_decay.unbind(1), strict=True):
        before.append(state)
        state = part + state * decay.exp().unsqueeze(-1)
    return torch.stack(before, 1), state


def assert_same(found: Tensor, wanted: Tensor, tolerance: float = FORMS_FLOAT64) -> None:
    assert found.shape == wanted.shape
    assert (found - wanted).abs().max() <= tolerance * wanted.abs().max().clamp_min(1.0)


@lengths
@pasts
def test_states_are_those_of_a_walk_from_block_to_block(blocks: int, with_past: bool) -> None:
    added = draw(ROWS, blocks, NUMBERS).requires_grad_()
    log_decay = (-draw(ROWS, blocks, seed=1).abs()).requires_grad_()
    past = draw(ROWS, NUMBERS, seed=2).requires_grad_() if with_past else None
    variables = [x for x in (added, log_decay, past) if x is not None]
    found = scan_states(added, log_decay, past)
    wanted = one_by_one(added, log_decay, past)
    for a, b in zip(found, wanted, strict=True):
        assert_same(a, b)

    def gradients(result: tuple[Tensor, Tensor]) -> list[Tensor]:
        before, last = result
        return list(torch.autograd.grad(before.sin().sum() + last.cos().sum(), variables))

    for a, b in zip(gradients(found), gradients(wanted), strict=True):
        assert_same(a, b, GRADIENTS_FLOAT64)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, FORMS_FLOAT64), (torch.float32, FORMS_FLOAT32)])
def test_what_follows_a_closed_gate_keeps_its_digits(dtype: torch.dtype, tolerance: float) -> None:
    """A decay is a sum of what it crosses, never a difference of two sums that hold the closed gate."""
    added = draw(ROWS, 3 * GROUP, NUMBERS).to(dtype)
    log_decay = torch.full((ROWS, 3 * GROUP), -1e-3, dtype=dtype)
    log_decay[:, [1, GROUP - 1, GROUP + 2]] = -1e5
    for a, b in zip(scan_states(added, log_decay, None), one_by_one(added, log_decay, None), strict=True):
        assert_same(a, b, tolerance)
