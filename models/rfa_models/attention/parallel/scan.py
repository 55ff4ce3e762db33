"""The recurrence over blocks, S_n = exp(a_n) S_{n-1} + added_n, without a walk from block to block.

A group of blocks is one product with a small triangle of decays.  What each group adds is again such a recurrence,
shorter by the size of a group, so thousands of blocks take three products, and their gradients are products, too.

Letters besides those of `rfa_models/shapes.py`: G rows that know nothing of each other, N blocks, M numbers of a state.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from rfa_models.attention.parallel.decay import left_of

GROUP = 16
"""Blocks of a group: a product costs 2 GROUP operations for each number of a state, about what it costs to move it."""


def scan_states(added: Tensor, log_decay: Tensor, past: Tensor | None) -> tuple[Tensor, Tensor]:
    """Run the recurrence.

    added: [G, N, M].  log_decay: [G, N], never above zero.  past: [G, M], the state before the first block, or None.
    Returns the states before each block [G, N, M], and the last [G, M].
    """
    rows, blocks, _ = added.shape
    if blocks <= GROUP:
        return scan_group(added, log_decay, past)
    groups = -(-blocks // GROUP)
    size = -(-blocks // groups)
    added = grouped(added, groups, size)
    log_decay = grouped(log_decay, groups, size)

    before, last = scan_group(added.flatten(0, 1), log_decay.flatten(0, 1), None)
    starts, present = scan_states(last.unflatten(0, (rows, groups)), log_decay.sum(-1), past)
    kept = left_of(decay_before(log_decay.flatten(0, 1))).unsqueeze(-1)
    before = before.baddbmm(kept, starts.flatten(0, 1).unsqueeze(1))
    return before.unflatten(0, (rows, groups)).flatten(1, 2)[:, :blocks], present


def scan_group(added: Tensor, log_decay: Tensor, past: Tensor | None) -> tuple[Tensor, Tensor]:
    """The same at a cost of N squared, for a few blocks."""
    decays = decays_between(log_decay)
    # Two products: slices of one would keep it all for the last state, and fill their gradients up with zeros.
    before = torch.bmm(decays[:, :-1], added)
    last = torch.bmm(decays[:, -1:], added).squeeze(1)
    if past is not None:
        before = before.baddbmm(left_of(decay_before(log_decay)).unsqueeze(-1), past.unsqueeze(1))
        last = last + left_of(log_decay.sum(-1, keepdim=True)) * past
    return before, last


def decays_between(log_decay: Tensor) -> Tensor:
    """What is left of each block's sums before block 0, 1, ... and after the last.  [G, N] -> [G, N + 1, N].

    Each is a sum of its own, not a difference of two long ones: a closed gate would leave no digits of what follows.
    """
    blocks = log_decay.shape[1]
    steps = log_decay.unsqueeze(-1).expand(-1, -1, blocks).tril(-1)  # row l: a_l where it comes after block j
    sums = F.pad(steps.cumsum(1), (0, 0, 1, 0))
    return left_of(sums).tril(-1)


def decay_before(log_decay: Tensor) -> Tensor:
    """Log decay from before the first block to before each.  [G, N] -> [G, N]."""
    return F.pad(log_decay[:, :-1].cumsum(1), (1, 0))


def grouped(x: Tensor, groups: int, size: int) -> Tensor:
    """Cut [G, N, ...] into [G, groups, size, ...]; zeros fill the end: nothing is added, nothing decays."""
    missing = groups * size - x.shape[1]
    if missing:
        x = F.pad(x, (0, 0) * (x.dim() - 2) + (0, missing))
    return x.unflatten(1, (groups, size))
