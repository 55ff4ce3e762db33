"""Causal linear attention over features, in three forms that agree.

    S_t = exp(a_t) S_{t-1} + phi(k_t) v_t^T        o_t = phi(q_t)^T S_t        a_t <= 0, or 0 without a gate

    quadratic    the masked T x T form                     the reference: O(T^2)
    chunked      blocks of C tokens, state between them    training and prefill: O(T), in `parallel/chunked.py`
    one_token    the recurrence itself                     decoding: O(1)

The results should be identical; `tests/models/attention/test_linear_attention.py` holds them to it.  All three take
and return

    phi_q: [B, T, H, K]   phi_k: [B, T, G, K]   v: [B, T, G, V]   log_decay: [B, T, G] or None
    past_state: [B, G, K, V] or None
    -> output: [B, T, H, V], present_state: [B, G, K, V]

Each of the G states is read by H / G heads of queries that follow each other.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from rfa_models.attention.parallel import fla
from rfa_models.attention.parallel.chunked import chunked

Result = tuple[Tensor, Tensor]
State = tuple[Tensor, ...]
"""What a layer carries from token to token: sums of values S [B, G, K, d], and the normalizer z [B, G, K, 1]; a layer
with a window has the window's rows behind them."""


def quadratic(
    phi_q: Tensor, phi_k: Tensor, v: Tensor, log_decay: Tensor | None = None, past_state: Tensor | None = None
) -> Result:
    """The reference: every pair of positions, masked to the past.  Shapes as above."""
    readers = phi_q.shape[2] // phi_k.shape[2]
    since_start = cumulative(phi_k, log_decay)
    of_readers = None if since_start is None else since_start.repeat_interleave(readers, 1)
    past_of_readers = None if past_state is None else past_state.repeat_interleave(readers, 1)
    output = within(phi_q, phi_k.repeat_interleave(readers, 2), v.repeat_interleave(readers, 2), of_readers)
    output = add_past(output, phi_q, of_readers, past_of_readers)
    return output, advance(phi_k, v, since_start, past_state)


def one_token(
    phi_q: Tensor, phi_k: Tensor, v: Tensor, log_decay: Tensor | None = None, past_state: Tensor | None = None
) -> Result:
    """Advance by one token: T = 1 in the shapes above."""
    state = phi_k[:, 0].unsqueeze(-1) * v[:, 0].unsqueeze(-2)
    if past_state is not None:
        state = state + (past_state if log_decay is None else past_state * log_decay[:, 0, :, None, None].exp())
    by_group = phi_q[:, 0].unflatten(1, (state.shape[1], -1))
    return torch.einsum("bgrk,bgkv->bgrv", by_group, state).flatten(1, 2).unsqueeze(1), state


def linear_attention(
    phi_q: Tensor,
    phi_k: Tensor,
    v: Tensor,
    weight: Tensor,
    log_decay: Tensor | None = None,
    past_state: State | None = None,
    *,
    heads: int,
    kv_heads: int | None = None,
    scale: float = 1.0,
    chunk: int = 64,
) -> tuple[Tensor, Tensor, State]:
    """The operator that layers call: weighted sums of values and the sums of weights, before they are divided.

        S_t = exp(a_t) S_{t-1} + phi(k_t) v_t^T        z_t = exp(a_t) z_{t-1} + phi(k_t) w_t        [section 3.1]

    phi_q: [B, T, H K].  phi_k: [B, T, G K].  v: [B, T, G d].  weight: [B, T, G], the w_t.  log_decay: [B, T, G], the
    a_t, or None.  heads is H, kv_heads is G, or None for as many.

    Returns the numerator phi(q_t)^T S_t [B, T, H d], the denominator phi(q_t)^T z_t [B, T, H], and the present state.
    One token takes the recurrence, more take blocks, or on CUDA the kernels of flash-linear-attention.
    """
    groups = kv_heads or heads
    phi_q = phi_q.unflatten(-1, (heads, -1))
    phi_k = phi_k.unflatten(-1, (groups, -1))
    v = v.unflatten(-1, (groups, -1))
    if phi_q.shape[1] == 1:
        result = with_normalizer(one_token, phi_q, phi_k, v, weight, log_decay, past_state)
    elif fla.serves(phi_q, phi_k, v):
        result = fla.attend(phi_q, phi_k, v, weight, log_decay, past_state)
    else:
        form = partial(chunked, chunk=chunk)
        result = with_normalizer(form, phi_q, phi_k, v, weight, log_decay, past_state)
    numerator, denominator, state = result
    return numerator.flatten(2) * scale, denominator * scale, state


def accumulate(
    query: Tensor, key: Tensor, value: Tensor, past_state: Tensor | None = None, *, state: str
) -> tuple[Tensor, Tensor]:
    """Sums of one head without weights to divide by: what else a layer carries by the same recurrence.

    query, key: [B, T, K].  value: [B, T, V].  past_state: [B, 1, K, V].  state: what a step graph calls the state.
    Returns what each token reads [B, T, V], and the present state.
    """
    form: Callable[..., Result] = one_token if query.shape[1] == 1 else chunked
    output, present = form(query.unsqueeze(2), key.unsqueeze(2), value.unsqueeze(2), None, past_state)
    return output.squeeze(2), present


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

    phi_q: [B, T, H, K].  phi_k: [B, T, G, K].  v: [B, T, G, d].  The others as in `linear_attention`.
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
    """Log decay from before the first token to after each.  [B, T, G] -> [B, G, T], None without a gate."""
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
    """The state after this block.  since_start: [B, G, T].  Returns [B, G, K, V]."""
    if since_start is not None:
        to_end = (since_start[..., -1:] - since_start).exp()
        phi_k = phi_k * to_end.transpose(1, 2).unsqueeze(-1)
    added = torch.einsum("bthk,bthv->bhkv", phi_k, v)
    if past_state is None:
        return added
    return added + (past_state if since_start is None else past_state * since_start[..., -1, None, None].exp())
