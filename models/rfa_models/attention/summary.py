"""Attention without an order: a whole sequence is summed up once, then read by any number of queries [section 3.1].

    S = sum_i phi(k_i) v_i^T        o_t = phi(q_t)^T S

The sums have a fixed size, so a reader never depends on how long the sequence was.  Encoders read their own sums,
cross attention reads the source's.
"""

from __future__ import annotations

import torch
from torch import Tensor


def summarize(phi_k: Tensor, v: Tensor) -> Tensor:
    """Sum up a sequence.  phi_k: [B, M, H, K], zero at padding.  v: [B, M, H, V].  Returns [B, H, K, V]."""
    return phi_k.permute(0, 2, 3, 1) @ v.transpose(1, 2)


def read_summary(phi_q: Tensor, summary: Tensor) -> Tensor:
    """Read the sums.  phi_q: [B, T, H, K], summary: [B, H, K, V].  Returns [B, T, H, V]."""
    return torch.einsum("bthk,bhkv->bthv", phi_q, summary)
