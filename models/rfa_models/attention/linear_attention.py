"""Causal linear attention over features, in three forms that agree.

    S_t = exp(a_t) S_{t-1} + phi(k_t) v_t^T        o_t = phi(q_t)^T S_t        a_t <= 0, or 0 without a gate

    quadratic    the masked T x T form                     the reference: O(T^2)
    chunked      blocks of C tokens, state between them    training and prefill: O(T), in `parallel/chunked.py`
    one_token    the recurrence itself                     decoding: O(1)

The results should be identical; `tests/models/attention/test_linear_attention.py` holds them to it.  All three take
and return

    phi_q, phi_k: [B, T, H, K]   v: [B, T, H, V]   log_decay: [B, T, H] or None   past_state: [B, H, K, V] or None
    -> output: [B, T, H, V], present_state: [B, H, K, V]
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from rfa_models.attention.parallel import fla
from rfa_models.attention.parallel.chunked import chunked

Result = tuple[Tensor, Tensor]
State = tuple[Tensor, Tensor]
"""What a layer carries from token to token: sums of values S [B, H, K, d], and the normalizer z [B, H, K, 1]."""


def quadratic(
    phi_q: Tensor, phi_k: Tensor, v: Tensor, log_decay: Tensor | None = None, past_state: Tensor | None = None
) -> Result:
    """The reference: every pair of positions, masked to the past.  Shapes as above."""
    since_start = cumulative(phi_k, log_decay)
    output = within(phi_q, phi_k, v, since_start)
    return add_past(output, phi_q, since_start, past_state), advance(phi_k, v, since_start, past_state)


def one_token(
    phi_q: Tensor, phi_k: Tensor, v: Tensor, log_decay: Tensor | None = None, past_state: Tensor | None = None
) -> Result:
    """Advance by one token: T = 1 in the shapes above."""
    state = phi_k[:, 0].unsqueeze(-1) * v[:, 0].unsqueeze(-2)
    if past_state is not None:
        state = state + (past_state if log_decay is None else past_state * log_decay[:, 0, :, None, None].exp())
    return torch.einsum("bhk,bhkv->bhv", phi_q[:, 0], state).unsqueeze(1), state


def linear_attention(
    phi_q: Tensor,
    phi_k: Tensor,
    v: Tensor,
    weight: Tensor,
    log_decay: Tensor | None = None,
    past_state: State | None = None,
    *,
    heads: int,
    scale: float = 1.0,
    chunk: int = 64,
) -> tuple[Tensor, Tensor, State]:
    """The operator that layers call: weighted sums of values and the sums of weights, before they are divided.

        S_t = exp(a_t) S_{t-1} + phi(k_t) v_t^T        z_t = exp(a_t) z_{t-1} + phi(k_t) w_t        [section 3.1]

    phi_q, phi_k: [B, T, H K].  v: [B, T, H d].  weight: [B, T, H], the w_t.  log_decay: [B, T, H], the a_t, or None.
    Returns the numerator phi(q_t)^T S_t [B, T, H d], the denominator phi(q_t)^T z_t [B, T, H], and the present state.
    One token takes the recurrence, more take blocks, or on CUDA the kernels of flash-linear-attention.
    """
    phi_q, phi_k, v = (x.unflatten(-1, (heads, -1)) for x in (phi_q, phi_k, v))
    if phi_q.shape[1] == 1:
        result = with_normalizer(one_token, phi_q, phi_k, v, weight, log_decay, past_state)
    elif fla.serves(phi_q, v):
        result = fla.attend(phi_q, phi_k, v, weight, log_decay, past_state)
    else:
        form = partial(chunked, chunk=chunk)
        result = with_normalizer(form, phi_q, phi_k, v, weight, log_decay, past_state)
    numerator, denominator, state = result
    return numerator.flatten(2) * scale, denominator * scale, state


def with_normalizer(
    form: Callable[..., Result],
    phi_q: Tensor,
    phi_k: Tensor,
    v: Tensor,
    weight: Tensor,
    log_decay: Tensor | None,
    past_state: State | None,
) -> tuple[Tensor, Tensor, State]:
    """Let a form sum up values and weights at once: the weights are one more channel of the values.

    phi_q, phi_k: [B, T, H, K].  v: [B, T, H, d].  The others as in `linear_attention`.
    Returns the numerator [B, T, H, d], the denominator [B, T, H], and the present state.
    """
    values = torch.cat([v, weight.unsqueeze(-1)], dim=-1)
    past = None if past_state is None else torch.cat(past_state, dim=-1)
    output, present = form(phi_q, phi_k, values, log_decay, past)
    sizes = [v.shape[-1], 1]
    numerator, denominator = output.split(sizes, dim=-1)
    sums, normalizer = present.split(sizes, dim=-1)
    return numerator, denominator.squeeze(-1), (sums, normalizer)


def cumulative(phi_k: Tensor, log_decay: Tensor | None) -> Tensor | None:
    """Log decay from before the first token to after each.  [B, T, H] -> [B, H, T], None without a gate."""
    return None if log_decay is None else log_decay.to(phi_k.dtype).cumsum(1).transpose(1, 2)


def within(phi_q: Tensor, phi_k: Tensor, v: Tensor, since_start: Tensor | None) -> Tensor:
    """Attention among the tokens of one block, O(T^2) in its length.  since_start: [B, H, T].  -> [B, T, H, V]."""
    weights = torch.einsum("bthk,bshk->bhts", phi_q, phi_k)
    if since_start is not None:
        # Above the diagonal the difference is positive and may overflow: bound it, the mask removes it.
        weights = weights * (since_start.unsqueeze(-1) - since_start.unsqueeze(-2)).clamp_max(0.0).exp()
    return torch.einsum("bhts,bshv->bthv", weights.tril(), v)


def add_past(output: Tensor, phi_q: Tensor, since_start: Tensor | None, past_state: Tensor | None) -> Tensor:
    """Add what the state from before this block gives to each of its tokens.  [B, T, H, V] -> [B, T, H, V]."""
    if past_state is None:
        return output
    seen = torch.einsum("bthk,bhkv->bthv", phi_q, past_state)
    return output + (seen if since_start is None else seen * since_start.exp().transpose(1, 2).unsqueeze(-1))


def advance(phi_k: Tensor, v: Tensor, since_start: Tensor | None, past_state: Tensor | None) -> Tensor:
    """The state after this block.  since_start: [B, H, T].  Returns [B, H, K, V]."""
    if since_start is not None:
        to_end = (since_start[..., -1:] - since_start).exp()
        phi_k = phi_k * to_end.transpose(1, 2).unsqueeze(-1)
    added = torch.einsum("bthk,bthv->bhkv", phi_k, v)
    if past_state is None:
        return added
    return added + (past_state if since_start is None else past_state * since_start[..., -1, None, None].exp())
