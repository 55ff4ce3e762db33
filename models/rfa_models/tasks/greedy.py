"""Greedy translation in torch: what a bundle of the same model must give, token for token."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from rfa_models.data.buckets import by_tokens, in_order
from rfa_models.data.token_rows import TokenRows
from rfa_models.networks.translator import Translator
from rfa_models.tasks.evaluation_mode import evaluation_mode


def translate(
    model: Translator, sources: TokenRows, start: int, end: int, limits: list[int], batch_tokens: int = 4096
) -> list[list[int]]:
    """Write the most likely token, then the next, for every source.

    sources: ids with their end token.  start, end: ids of the tokens around a target.  limits: the most tokens of each
    translation.  batch_tokens: source and target tokens of a batch together.  Returns the ids of each translation,
    with its end token where it came.
    """
    found: list[list[int]] = [[]] * len(sources)
    with evaluation_mode(model):
        for rows in in_order(sources.lengths[:, None], partial(by_tokens, limit=batch_tokens)):
            numbers = rows.tolist()
            longest = max(limits[row] for row in numbers)
            written = batch(model, *sources.padded(rows), start, end, longest)
            for row, ids in zip(numbers, written, strict=True):
                found[row] = until(ids, end)[: limits[row]]
    return found


def batch(model: Translator, ids: Tensor, keep: Tensor, start: int, end: int, limit: int) -> list[list[int]]:
    """Translations of a batch, side by side until all have ended.  ids, keep: [B, M]."""
    device = next(model.parameters()).device
    keep = keep.to(device)
    memories = model.encode(ids.to(device), None, keep)
    last = torch.full((len(ids), 1), start, device=device)
    ended = torch.zeros(len(ids), dtype=torch.bool, device=device)
    states = None
    chosen: list[Tensor] = []
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
