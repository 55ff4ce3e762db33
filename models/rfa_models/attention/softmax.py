"""Softmax attention, causal with a growing cache or to a whole sequence: the twins that RFA is compared with."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

Cache = tuple[Tensor, Tensor]


def softmax_attention(
    qkv: Tensor,
    keep: Tensor | None = None,
    past_state: Cache | None = None,
    *,
    heads: int,
    kv_heads: int | None = None,
    window: int = 0,
) -> tuple[Tensor, Cache]:
    """Attend to all earlier tokens, or to the last `window` of them.

    qkv: [B, T, (H + 2 G) d], queries, keys and values side by side.  keep: [B, T], 1 = token, 0 = padding, without a
    past only.  past_state: keys and values [B, G, T', d] of the tokens before.  heads is H, kv_heads is G, or None for
    as many.  Returns the output [B, T, H d] and the cache, now [B, G, T' + T, d].
    """
    groups = kv_heads or heads
    by_head = qkv.unflatten(-1, (heads + 2 * groups, -1)).transpose(1, 2)
    q, k, v = by_head.split([heads, groups, groups], dim=1)
    if past_state is not None:
        past_k, past_v = past_state
        k = torch.cat([past_k, k], 2)
        v = torch.cat([past_v, v], 2)
    queries = q.shape[2]
    keys = k.shape[2]
    mask = None
    if keep is not None or window or 1 < queries < keys:
        mask = visible(queries, keys, keep, q.device, window)
    causal = mask is None and queries > 1  # a single token sees all
    output = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal, enable_gqa=groups != heads)
    return output.transpose(1, 2).flatten(2), (k, v)


def softmax_read(query: Tensor, keys: Tensor, values: Tensor, keep: Tensor | None = None) -> Tensor:
    """Attend to a whole sequence.

    query: [B, T, H d].  keys, values: [B, H, M, d].  keep: [B, M], 1 = token, 0 = padding.  Returns [B, T, H d].
    """
    q = query.unflatten(-1, (keys.shape[1], -1)).transpose(1, 2)
    mask = None if keep is None else keep[:, None, None, :].bool()
    return F.scaled_dot_product_attention(q, keys, values, attn_mask=mask).transpose(1, 2).flatten(2)


def softmax_self(query: Tensor, key: Tensor, value: Tensor, keep: Tensor | None = None, *, heads: int) -> Tensor:
    """Attend from every token of a sequence to all of them.

    query, key, value: [B, T, H d].  keep: [B, T], 1 = token, 0 = padding.  Returns [B, T, H d].
    """
    keys = key.unflatten(-1, (heads, -1)).transpose(1, 2)
    values = value.unflatten(-1, (heads, -1)).transpose(1, 2)
    return softmax_read(query, keys, values, keep)


def visible(queries: int, keys: int, keep: Tensor | None, device: torch.device, window: int = 0) -> Tensor:
    """Who sees whom: the past and oneself, never padding.  Returns bool [T, T' + T] or [B, 1, T, T' + T].

    window: how many tokens of the past and oneself; 0 for all.
    """
    earlier = torch.ones(queries, keys, dtype=torch.bool, device=device).tril(keys - queries)
    if window:
        earlier = earlier.triu(keys - queries - window + 1)
    if keep is None:
        return earlier
    # A padded row must not be empty: softmax of nothing is NaN.
    itself = torch.eye(queries, keys, dtype=torch.bool, device=device)
    return earlier & (keep[:, None, None, :].bool() | itself)
