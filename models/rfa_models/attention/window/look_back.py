"""What a window changes for the sums behind it: they get each token W tokens later, when it leaves the window."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from rfa_models.attention import operators
from rfa_models.attention.config import AttentionConfig
from rfa_models.attention.window.exact import KeysAndValues
from rfa_models.attention.window.rows import Rows, Tokens, packed, unpacked
from rfa_models.attention.window.sinks import Sinks, fill_slots

STATE = "window_state"


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
    """
    rows = packed(tokens)
    if keep is not None:
        rows = rows * keep.unsqueeze(-1).to(rows.dtype)
    past_rows = None if past is None else past[0]
    joined, kept = operators.current().recent(rows, config.window, past_rows, state=STATE)
    near = unpacked(joined, tokens)
    leaving = joined[:, : -config.window]
    late = unpacked(leaving, tokens)
    state: tuple[Tensor, ...] = (kept,)
    sinks = of_sinks = None
    if config.sinks:
        past_sinks = None if past is None else past[1:]
        sinks = fill_slots(leaving, late.here, config.sinks, past_sinks)  # type: ignore[arg-type]
        slots = unpacked(sinks.rows, tokens)
        of_sinks = KeysAndValues(slots.keys, slots.values, sinks.seen)
        state = (kept, *sinks.state)
    query = tokens.qk[:, :, :-1]
    numerator, denominator = operators.current().window_attention(
        query.squeeze(-2).transpose(2, 3).flatten(2),  # from sides to the heads of a group together
        KeysAndValues(near.keys, near.values, near.here),
        of_sinks,
        heads=config.heads,
        kv_heads=config.groups,
        window=config.window,
    )
    return late_tokens(query, late, sinks), Seen(numerator, denominator, state)


def late_tokens(query: Tensor, late: Rows, sinks: Sinks | None) -> Tokens:
    """Queries with the keys, values, weights and decays of the tokens that leave the window.

    query: [B, T, S - 1, G, 1, d].
    """
    weight = late.weight
    groups = weight.shape[-1]
    if sinks is not None:  # what is kept in a slot weighs nothing in the sums
        weight = weight * sinks.free
    keys = late.keys.unflatten(-1, (1, groups, 1, -1))
    values = late.values.unflatten(-1, (groups, -1))
    return Tokens(torch.cat([query, keys], dim=2), values, weight, late.log_decay)
