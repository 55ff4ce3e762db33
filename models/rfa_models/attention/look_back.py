"""What a window changes for the sums behind it: they get each token W tokens later, when it leaves the window."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from rfa_models.attention import operators
from rfa_models.attention.config import AttentionConfig
from rfa_models.attention.sinks import Sinks, fill_slots
from rfa_models.attention.window import KeysAndValues

STATE = "window_state"


class Tokens(NamedTuple):
    """What attention reads of some tokens."""

    qk: Tensor
    """Queries and keys as rows by sides [B, T, S, G, 1, d]; the keys are the last side."""
    v: Tensor
    """[B, T, G, d]."""
    weight: Tensor
    """How much each key counts, [B, T, G]."""
    log_decay: Tensor | None
    """[B, T, G], or None without a gate."""


class Seen(NamedTuple):
    """What softmax saw, and what the next call needs."""

    numerator: Tensor
    """[B, T, H d]."""
    denominator: Tensor
    """[B, T, H]."""
    state: tuple[Tensor, ...]
    """The rows of the window [B, W, C], and with sinks their count and their slots."""


def look_back(
    tokens: Tokens, keep: Tensor | None, past: tuple[Tensor, ...] | None, config: AttentionConfig
) -> tuple[Tokens, Seen]:
    """Read the window, and let the tokens that leave it take the places of those that came.

    keep: [B, T], 1 = token, 0 = padding.  past: what the call before left.
    Returns the queries beside the keys and values of W tokens before, and what the window and the sinks gave.
    A row is a token's key, value, weight, log decay, and 1; rows of zeros are no tokens: they weigh nothing and nothing
    decays.
    """
    query = tokens.qk[:, :, :-1]
    parts = row_parts(tokens)
    sizes = [part.shape[-1] for part in parts]
    rows = torch.cat(parts, dim=-1)
    if keep is not None:
        rows = rows * keep.unsqueeze(-1).to(rows.dtype)
    past_rows = None if past is None else past[0]
    joined, kept = operators.current().recent(rows, config.window, past_rows, state=STATE)
    leaving = joined[:, : -config.window]
    state: tuple[Tensor, ...] = (kept,)
    sinks = None
    if config.sinks:
        past_sinks = None if past is None else past[1:]
        sinks = fill_slots(leaving, leaving[..., -1:], config.sinks, past_sinks)  # type: ignore[arg-type]
        state = (kept, *sinks.state)
    numerator, denominator = operators.current().window_attention(
        query.squeeze(-2).transpose(2, 3).flatten(2),  # from sides to the heads of a group together
        keys_and_values(joined, sizes, joined[..., -1:]),
        None if sinks is None else keys_and_values(sinks.rows, sizes, sinks.seen),
        heads=config.heads,
        kv_heads=config.groups,
        window=config.window,
    )
    return late_tokens(tokens, leaving.split(sizes, dim=-1), sinks), Seen(numerator, denominator, state)


def keys_and_values(rows: Tensor, sizes: list[int], seen: Tensor) -> KeysAndValues:
    """What softmax reads of rows [B, M, C].  sizes: of their parts."""
    keys, values, *_ = rows.split(sizes, dim=-1)
    return KeysAndValues(keys, values, seen)


def row_parts(tokens: Tokens) -> list[Tensor]:
    """What is kept of each token, [B, T, C] together."""
    key = tokens.qk[:, :, -1:]
    parts = [key.flatten(2), tokens.v.flatten(2), tokens.weight]
    if tokens.log_decay is not None:
        parts.append(tokens.log_decay)
    parts.append(tokens.weight[..., :1] * 0.0 + 1.0)
    return parts


def late_tokens(tokens: Tokens, leaving: tuple[Tensor, ...], sinks: Sinks | None) -> Tokens:
    """The queries with the keys, values, weights and decays of the tokens that leave the window."""
    keys, values, weight, *rest = leaving
    groups = weight.shape[-1]
    if sinks is not None:  # what is kept in a slot weighs nothing in the sums
        weight = weight * sinks.free
    qk = torch.cat([tokens.qk[:, :, :-1], keys.unflatten(-1, (1, groups, 1, -1))], dim=2)
    log_decay = None if tokens.log_decay is None else rest[0]
    return Tokens(qk, values.unflatten(-1, (groups, -1)), weight, log_decay)
