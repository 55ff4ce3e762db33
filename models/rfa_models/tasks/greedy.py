"""Greedy translation in torch: what a bundle of the same model must give, token for token."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from rfa_models.data.buckets import by_tokens, in_order
from rfa_models.data.token_rows import TokenRows
from rfa_models.networks.translator import Translator


@torch.no_grad()
def translate(
    model: Translator, sources: TokenRows, start: int, end: int, limits: list[int], batch_tokens: int = 4096
) -> list[list[int]]:
    """The most likely token, then the next, for every source.

    sources: with their end token.  limits: tokens after which each translation ends.  Returns ids, the end token
    included where it came.
    """
    was_training = model.training
    model.eval()
    found: list[list[int]] = [[]] * len(sources)
    for rows in in_order(sources.lengths[:, None], partial(by_tokens, limit=batch_tokens)):
        longest = max(limits[row] for row in rows.tolist())
        for row, ids in zip(rows.tolist(), batch(model, *sources.padded(rows), start, end, longest), strict=True):
            found[row] = until(ids, end)[: limits[row]]
    model.train(was_training)
    return found


def batch(model: Translator, ids: Tensor, keep: Tensor, start: int, end: int, limit: int) -> list[list[int]]:
    """Translations of a batch, side by side until all have ended.  ids, keep: [B, M]."""
    device = next(model.parameters()).device
    keep = keep.to(device)
    memories = model.encode(ids.to(device), None, keep)
    last = torch.full((len(ids), 1), start, device=device)
    ended, states, chosen = torch.zeros(len(ids), dtype=torch.bool, device=device), None, list[Tensor]()
    while len(chosen) < limit and not ended.all():
        positions = torch.full_like(last, len(chosen))
        logits, states = model.step(last, memories, positions, keep, past_states=states)
        last = logits[:, -1].argmax(-1, keepdim=True)
        ended |= last[:, 0] == end
        chosen.append(last)
    return torch.cat(chosen, 1).tolist()


def until(ids: list[int], end: int) -> list[int]:
    """The ids up to the first end token, which is included."""
    return ids[: ids.index(end) + 1] if end in ids else ids
