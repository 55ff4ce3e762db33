"""Exact softmax over the last W tokens, left open for what is older: sums that can be added to, not yet divided.

    e_ts = exp(q_t.k_s / sqrt(d) - m_t)        m_t = the largest q_t.k_s / sqrt(d) of all that is seen
    numerator_t = sum_s e_ts v_s               denominator_t = sum_s e_ts          t - W < s <= t, and the sinks

Tokens come with the W rows before them, of which those that no text has yet filled are not seen.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

HIDDEN = 1e30
"""Taken from the score of what is not to be seen."""


class KeysAndValues(NamedTuple):
    """Rows that softmax may see."""

    keys: Tensor
    """[B, W + T, G d]; of sinks [B, n, G d]."""
    values: Tensor
    """The same."""
    seen: Tensor
    """1 or 0: of the window for all tokens alike [B, W + T, 1], of sinks for each [B, T, n]."""


def window_attention(
    query: Tensor, rows: KeysAndValues, sinks: KeysAndValues | None, *, heads: int, kv_heads: int, window: int
) -> tuple[Tensor, Tensor]:
    """Attend from every token to the last W, itself included, and to the sinks, in time and memory linear in T.

    query: [B, T, H d].  Returns the numerator [B, T, H d] and the denominator [B, T, H].
    """
    length = query.shape[1]
    blocks = -(-length // window)
    if blocks > 1:
        query = in_blocks(query, blocks, window)
        rows = KeysAndValues(*(overlapping(part, blocks, window, length) for part in rows))
        if sinks is not None:
            keys = sinks.keys.repeat_interleave(blocks, 0)
            values = sinks.values.repeat_interleave(blocks, 0)
            sinks = KeysAndValues(keys, values, in_blocks(sinks.seen, blocks, window))
    found = dense_window(query, rows, sinks, heads=heads, kv_heads=kv_heads, window=window)
    if blocks == 1:
        return found
    numerator, denominator = (part.unflatten(0, (-1, blocks)).flatten(1, 2)[:, :length] for part in found)
    return numerator, denominator


def in_blocks(x: Tensor, blocks: int, window: int) -> Tensor:
    """Blocks of W tokens; zeros fill the last.  [B, T, C] -> [B N, W, C]."""
    x = F.pad(x, (0, 0, 0, blocks * window - x.shape[1]))
    return x.unflatten(1, (blocks, window)).flatten(0, 1)


def overlapping(x: Tensor, blocks: int, window: int, length: int) -> Tensor:
    """For each block its own rows behind the W before them.  [B, W + T, C] -> [B N, 2 W, C]."""
    x = F.pad(x, (0, 0, 0, blocks * window - length))
    return x.unfold(1, 2 * window, window).transpose(2, 3).flatten(0, 1)


def dense_window(
    query: Tensor, rows: KeysAndValues, sinks: KeysAndValues | None, *, heads: int, kv_heads: int, window: int
) -> tuple[Tensor, Tensor]:
    """The same by one product of all tokens with all rows: for few tokens at once, and for step graphs."""
    readers = heads // kv_heads
    q = query.unflatten(-1, (kv_heads, readers, -1)).permute(0, 2, 3, 1, 4)
    q = q * q.shape[-1] ** -0.5
    scores = q @ by_group(rows.keys, kv_heads).transpose(-1, -2)
    values = by_group(rows.values, kv_heads)
    # Token t sees rows t + 1 to t + W.  The product with 0 gives the band the shape of the scores.
    seen = scores.detach() * 0.0 + rows.seen.transpose(1, 2)[:, None, None]
    scores = hide(scores, seen.tril(window).triu(1))
    if sinks is not None:
        of_sinks = q @ by_group(sinks.keys, kv_heads).transpose(-1, -2)
        scores = torch.cat([hide(of_sinks, sinks.seen[:, None, None]), scores], dim=-1)
        values = torch.cat([by_group(sinks.values, kv_heads), values], dim=-2)
    weights = (scores - scores.amax(-1, keepdim=True)).exp()
    numerator = (weights @ values).permute(0, 3, 1, 2, 4).flatten(2)
    denominator = weights.sum(-1).permute(0, 3, 1, 2).flatten(2)
    return numerator, denominator


def by_group(x: Tensor, kv_heads: int) -> Tensor:
    """The channels of each head of keys apart.  [B, M, G d] -> [B, G, 1, M, d]."""
    return x.unflatten(-1, (kv_heads, 1, -1)).permute(0, 2, 3, 1, 4)


def hide(scores: Tensor, seen: Tensor) -> Tensor:
    """Scores that give no weight to what is not seen.  seen: 1 or 0."""
    return scores + (seen - 1.0) * HIDDEN
