"""Linear attention in blocks of C tokens: quadratic within a block, a state of fixed size between blocks.

Time and memory are linear in T.  `linear_attention.py` has the equations, and two more forms that give the same.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from rfa_models.attention.parallel.blocks import add_blocks, read_blocks
from rfa_models.attention.parallel.scan import scan_states


def chunked(
    phi_q: Tensor,
    phi_k: Tensor,
    v: Tensor,
    log_decay: Tensor | None = None,
    past_state: Tensor | None = None,
    chunk: int = 64,
) -> tuple[Tensor, Tensor]:
    """Attend from every token to the tokens up to itself, `chunk` tokens at a time.

    phi_q: [B, T, H, K].  phi_k: [B, T, G, K].  v: [B, T, G, V].  log_decay: [B, T, G] or None.
    past_state: [B, G, K, V] or None.  Returns the output [B, T, H, V] and the present state.
    """
    batch, length, groups, values = v.shape
    heads, features = phi_q.shape[2:]
    readers = heads // groups
    rows = batch * groups  # may be none: a size of -1 says nothing of an empty tensor
    chunk = min(chunk, length)
    blocks = -(-length // chunk)
    q = to_blocks(phi_q, blocks, chunk, readers)
    k = to_blocks(phi_k, blocks, chunk)
    v = to_blocks(v, blocks, chunk)
    since_start = None
    total = v.new_zeros(rows, blocks)
    if log_decay is not None:
        since_start = to_blocks(log_decay.to(v.dtype).unsqueeze(-1), blocks, chunk).squeeze(-1).cumsum(1)
        total = since_start[:, -1].unflatten(0, (rows, blocks))

    added = add_blocks(k, v, since_start).flatten(1).unflatten(0, (rows, blocks))
    past = None if past_state is None else past_state.reshape(rows, features * values)
    before, present = scan_states(added, total, past)
    output = read_blocks(q, k, v, since_start, before.reshape(rows * blocks, features, values))
    output = output.view(batch, groups, blocks, readers, chunk, values).transpose(2, 3)
    output = output.reshape(batch, heads, blocks * chunk, values)[:, :, :length]
    return output.transpose(1, 2), present.view(batch, groups, features, values)


def to_blocks(x: Tensor, blocks: int, chunk: int, readers: int = 1) -> Tensor:
    """Cut [B, T, G readers, ...] into [B G blocks, readers chunk, ...]; zeros fill the end: no key, no decay."""
    missing = blocks * chunk - x.shape[1]
    if missing:
        x = F.pad(x, (0, 0, 0, 0, 0, missing))
    batch, _, heads, width = x.shape
    groups = heads // readers
    by_group = x.reshape(batch, blocks, chunk, groups, readers, width).permute(0, 3, 1, 4, 2, 5)
    return by_group.reshape(batch * groups * blocks, readers * chunk, width)
