"""Whether another's kernels compute what our blocks do: results and gradients of a small random case."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from rfa_models.attention.parallel.chunked import chunked

Form = Callable[..., tuple[Tensor, Tensor, tuple[Tensor, ...]]]
"""Takes phi_q, phi_k, v, weight, log_decay and the past state, as `fla.attend` does."""
BATCH, LENGTH, HEADS = 2, 80, 2
"""More than one block of 64 tokens, and less than two."""


def largest_difference(
    form: Form,
    device: torch.device,
    dtype: torch.dtype,
    features: int,
    values: int,
) -> float:
    """The largest difference to ours in float64, relative to the largest number of the same tensor."""
    worst = 0.0
    for gate in (False, True):
        case = random_case(features, values, gate)
        theirs = with_gradients(form, [None if x is None else x.to(device, dtype) for x in case])
        ours = with_gradients(in_blocks, case)
        for found, wanted in zip(theirs, ours, strict=True):
            difference = (found.to("cpu", torch.float64) - wanted).abs().max() / wanted.abs().max()
            worst = max(worst, difference.nan_to_num(torch.inf).item())
    return worst


def random_case(features: int, values: int, gate: bool) -> list[Tensor | None]:
    """Features between -1 and 1 as sines are, values, weights, decays, and a state to go on from, in float64."""
    rng = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=rng, dtype=torch.float64)

    phi_q = draw(BATCH, LENGTH, HEADS, features).sin()
    phi_k = draw(BATCH, LENGTH, HEADS, features).sin()
    v = draw(BATCH, LENGTH, HEADS, values)
    weight = draw(BATCH, LENGTH, HEADS).sigmoid()
    log_decay = -F.softplus(draw(BATCH, LENGTH, HEADS) - 2.0) if gate else None
    sums = draw(BATCH, HEADS, features, values)
    normalizer = draw(BATCH, HEADS, features, 1)
    return [phi_q, phi_k, v, weight, log_decay, sums, normalizer]


def with_gradients(form: Form, case: list[Tensor | None]) -> list[Tensor]:
    """Numerator, denominator, sums and normalizer, then the gradients of every input that is there."""
    inputs = [None if x is None else x.detach().requires_grad_() for x in case]
    *tokens, sums, normalizer = inputs
    numerator, denominator, state = form(*tokens, (sums, normalizer))
    results = [numerator, denominator, *state]
    total = torch.stack([x.double().pow(2).mean() for x in results]).sum()
    total.backward()
    gradients = [x.grad for x in inputs if x is not None and x.grad is not None]
    return [x.detach() for x in results] + gradients


def in_blocks(
    phi_q: Tensor, phi_k: Tensor, v: Tensor, weight: Tensor, log_decay: Tensor | None, past: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
    """Ours.  Shapes as in `fla.attend`."""
    values = torch.cat([v, weight.unsqueeze(-1)], -1)
    output, present = chunked(phi_q, phi_k, values, log_decay, torch.cat(past, -1))
    return output[..., :-1], output[..., -1], (present[..., :-1], present[..., -1:])
