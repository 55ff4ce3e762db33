"""The operators that stand in for attention while a module is traced: nodes with shapes and no arithmetic.

Signatures are those of the functions they replace (`rfa_models/operators.py`).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rfa_export.graph.names import CONTRIB
from rfa_models.operators import Operators

FLOAT = 1
"""onnx.TensorProto.FLOAT, as symbolic_multi_out wants its types."""


def linear_attention(
    phi_q: Tensor,
    phi_k: Tensor,
    v: Tensor,
    log_decay: Tensor | None = None,
    past_state: Tensor | None = None,
    *,
    heads: int,
    scale: float = 1.0,
    chunk: int = 64,
) -> tuple[Tensor, Tensor]:
    """One `LinearAttention` node, its state still open: `graph/thread_state.py` connects it."""
    batch, _, width = phi_q.shape
    inputs: list[Tensor | None] = [phi_q, phi_k, v, None]
    attributes: dict[str, Any] = {"q_num_heads": heads, "kv_num_heads": heads, "scale": scale, "update_rule": "linear"}
    if log_decay is not None:
        inputs.append(log_decay)
        attributes["update_rule"] = "gated"
    output, state = torch.onnx.ops.symbolic_multi_out(
        f"{CONTRIB}::LinearAttention",
        inputs,
        attributes,
        dtypes=(FLOAT, FLOAT),
        shapes=(v.shape, (batch, heads, width // heads, v.shape[-1] // heads)),
        version=1,
    )
    return output, state


def softmax_attention(
    qkv: Tensor, keep: Tensor | None = None, past_state: object = None, *, heads: int
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """One `GroupQueryAttention` node over packed projections, the fastest attention with a cache in ONNX Runtime."""
    batch, sequence, width = qkv.shape
    width //= 3
    cache = (batch, heads, sequence, width // heads)
    output, keys, values = torch.onnx.ops.symbolic_multi_out(
        f"{CONTRIB}::GroupQueryAttention",
        (qkv, None, None),
        {"num_heads": heads, "kv_num_heads": heads},
        dtypes=(FLOAT, FLOAT, FLOAT),
        shapes=((batch, sequence, width), cache, cache),
        version=1,
    )
    return output, (keys, values)


def random_projection(x: Tensor, w: Tensor) -> Tensor:
    """One broadcast `MatMul`: no transposed copy of x, as fast at one token and as fast as the sines at many."""
    return torch.matmul(x, w.transpose(-1, -2))


SYMBOLIC = Operators(random_projection, linear_attention, softmax_attention)
