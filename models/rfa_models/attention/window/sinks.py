"""The first tokens of a text, kept for ever: trained softmax models lean on them, whatever they say.

A token that leaves the window takes the next free slot while there is one; the others go to the sums.  Slots and their
count are themselves sums of linear attention, without a decay and of one head:

    count_t = sum_{s <= t} 1        slot_i = sum_s [count_s = i] row_s        i = 1 ... n
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from rfa_models.attention import operators

COUNT = "count_state"
SLOTS = "sink_state"
HALF = 0.5
"""Counts are whole numbers, held as floats: compared half-way between two."""


class Sinks(NamedTuple):
    """What is in the slots after a call, and who may read it."""

    rows: Tensor
    """[B, n, C]."""
    seen: Tensor
    """1 where a slot was filled when a token came, else 0: [B, T, n]."""
    free: Tensor
    """1 where a leaving token found no slot, else 0: [B, T, 1]."""
    state: tuple[Tensor, Tensor]
    """What the next call needs: count [B, 1, 1, 1], and slots [B, 1, n, C]."""


def fill_slots(leaving: Tensor, here: Tensor, slots: int, past: tuple[Tensor, Tensor] | None) -> Sinks:
    """Let leaving tokens take slots.  leaving: rows [B, T, C].  here: 1 where a row is a token, [B, T, 1]."""
    operator = operators.current()
    past_count, past_slots = past or (None, None)
    one = here * 0.0 + 1.0
    count, present_count = operator.accumulate(one, one, here, past_count, state=COUNT)
    numbers = torch.arange(1, slots + 1, device=here.device, dtype=here.dtype)
    taken = ((count - numbers).abs() < HALF).to(here.dtype) * here
    _, present_slots = operator.accumulate(taken, taken, leaving, past_slots, state=SLOTS)
    seen = (count > numbers - HALF).to(here.dtype)
    free = (count > slots + HALF).to(here.dtype)
    return Sinks(present_slots.squeeze(1), seen, free, (present_count, present_slots))
