"""What the tokens of a block read: their own block up to themselves, and the state from before it.

    o_t = e_t q_t^T S + sum_{s <= t} (q_t . k_s) d_ts v_s        e_t = exp(a_t)    d_ts = exp(a_t - a_s)

with a_t the log decay from before the block's first token to after token t, or no decays without a gate.  The
gradient is written out: autograd would keep and walk through every factor of this line, and took twice the time.

Letters besides those of `rfa_models/shapes.py`: G blocks of all texts and heads of keys, C tokens of a block, R
heads of queries that read the block one after the other.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rfa_models.attention.parallel.decay import left_of, left_of_

Gradients = tuple[Tensor, Tensor, Tensor, Tensor | None, Tensor]


def read_blocks(q: Tensor, k: Tensor, v: Tensor, since_start: Tensor | None, state: Tensor) -> Tensor:
    """Read a block and what came before it.

    q: [G, R C, K].  k: [G, C, K].  v: [G, C, V].  since_start: [G, C], the a_t, or None.  state: [G, K, V].
    Returns [G, R C, V].
    """
    return ReadBlocks.apply(q, k, v, since_start, state)  # type: ignore[no-untyped-call]


class ReadBlocks(torch.autograd.Function):
    """What `read_blocks` computes, and its gradient."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, since_start: Tensor | None, state: Tensor) -> Tensor:
        """Shapes as in `read_blocks`."""
        weights = torch.bmm(q, k.transpose(1, 2))
        if since_start is None:
            by_reader(weights, k).tril_()
            output = torch.bmm(weights, v).baddbmm_(q, state)
            ctx.save_for_backward(q, k, v, state, weights)
            return output
        decay = decays_within(since_start)
        by_reader(weights, k).mul_(decay.unsqueeze(1))
        output = torch.bmm(weights, v)
        seen = torch.bmm(q, state)
        by_reader(output, k).addcmul_(by_reader(seen, k), left_of(since_start)[:, None, :, None])
        ctx.save_for_backward(q, k, v, state, weights, decay, since_start, output)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Gradients:
        """gradient: [G, R C, V].  Returns one for each input, of its shape."""
        q, k, v, state, weights, *gate = ctx.saved_tensors
        of_v = torch.bmm(weights.transpose(1, 2), gradient)
        of_weights = torch.bmm(gradient, v.transpose(1, 2))
        of_since_start = None
        if gate:
            decay, since_start, output = gate
            by_reader(of_weights, k).mul_(decay.unsqueeze(1))
            # a_t multiplies all that token t reads, and divides all that it gives.
            given = by_reader(torch.linalg.vecdot(output, gradient).unsqueeze(-1), k).sum(1).squeeze(-1)
            of_since_start = given - torch.linalg.vecdot(v, of_v)
            gradient = (by_reader(gradient, k) * left_of(since_start)[:, None, :, None]).flatten(1, 2)
        else:
            by_reader(of_weights, k).tril_()
        of_q = torch.bmm(of_weights, k).baddbmm_(gradient, state.transpose(1, 2))
        of_k = torch.bmm(of_weights.transpose(1, 2), q)
        of_state = torch.bmm(q.transpose(1, 2), gradient)
        return of_q, of_k, of_v, of_since_start, of_state


def by_reader(x: Tensor, k: Tensor) -> Tensor:
    """The rows of each head of queries apart.  x: [G, R C, ...], k: [G, C, K] -> a view [G, R, C, ...]."""
    return x.unflatten(1, (-1, k.shape[1]))


def decays_within(since_start: Tensor) -> Tensor:
    """The d_ts, zero for s > t.  [G, C] -> [G, C, C]."""
    difference = since_start.unsqueeze(-1) - since_start.unsqueeze(-2)
    return left_of_(difference).tril_()  # above the diagonal it is positive: bounded by 1, then removed


def add_blocks(k: Tensor, v: Tensor, since_start: Tensor | None) -> Tensor:
    """What each block adds to the state, as it stands at the block's end.  [G, C, K], [G, C, V] -> [G, K, V]."""
    if since_start is not None:
        v = v * left_of(since_start[:, -1:] - since_start).unsqueeze(-1)
    return torch.bmm(k.transpose(1, 2), v)
