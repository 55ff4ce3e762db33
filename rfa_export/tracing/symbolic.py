"""The operators that stand in for attention while a module is traced: nodes with shapes and no arithmetic.

Signatures are those of the functions they replace (`rfa_models/attention/operators.py`).  What a node cannot express
raises ValueError: the trace ends there, and nothing is left out silently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from rfa_export.graph.names import CONTRIB, OURS, RECENT, STATE
from rfa_models.attention.linear_attention import State
from rfa_models.attention.operators import Operators
from rfa_models.attention.rotary import Rotation
from rfa_models.attention.window.exact import dense_window

FLOAT = 1
"""onnx.TensorProto.FLOAT, as symbolic_multi_out wants its types."""
NO_MORE: Mapping[str, str] = {}
ROTARY_OPSET = 23
"""The first that has RotaryEmbedding."""
NO_WINDOW = -1
"""What GroupQueryAttention takes for attention to all earlier tokens."""
HEAD_DIM_MULTIPLE = 8
"""GroupQueryAttention of ONNX Runtime refuses other head widths."""


def linear_attention(
    phi_q: Tensor,
    phi_k: Tensor,
    v: Tensor,
    weight: Tensor,
    log_decay: Tensor | None = None,
    past_state: object = None,
    *,
    heads: int,
    kv_heads: int | None = None,
    scale: float = 1.0,
    chunk: int = 64,
) -> tuple[Tensor, Tensor, State]:
    """Two `LinearAttention` nodes, for values and for their weights: `graph/rewrite/thread_state.py` connects them.

    With the weights as one more channel of the values, their number would be odd, and no fast kernel would take it.
    """
    refuse_state(past_state)
    groups = kv_heads or heads
    numerator, sums = attention_node(phi_q, phi_k, v, log_decay, heads, groups, scale)
    denominator, normalizer = attention_node(phi_q, phi_k, weight, log_decay, heads, groups, scale)
    return numerator, denominator, (sums, normalizer)


def attention_node(
    phi_q: Tensor,
    phi_k: Tensor,
    v: Tensor,
    log_decay: Tensor | None,
    heads: int,
    groups: int,
    scale: float,
    more: Mapping[str, str] = NO_MORE,
) -> tuple[Tensor, Tensor]:
    """One `LinearAttention` node, its state still open.  v: [B, T, G V] -> [B, T, H V], and [B, G, K, V].

    more: attributes for the passes to come.
    """
    batch, length, width = phi_q.shape
    values = v.shape[-1] // groups
    inputs: list[Tensor | None] = [phi_q, phi_k, v, None]
    attributes: dict[str, Any] = {
        "q_num_heads": heads,
        "kv_num_heads": groups,
        "scale": scale,
        "update_rule": "linear",
        **more,
    }
    if log_decay is not None:
        inputs.append(log_decay)
        attributes["update_rule"] = "gated"
    output, state = torch.onnx.ops.symbolic_multi_out(
        f"{CONTRIB}::LinearAttention",
        inputs,
        attributes,
        dtypes=(FLOAT, FLOAT),
        shapes=((batch, length, heads * values), (batch, groups, width // heads, values)),
        version=1,
    )
    return output, state


def accumulate(
    query: Tensor, key: Tensor, value: Tensor, past_state: object = None, *, state: str
) -> tuple[Tensor, Tensor]:
    """One `LinearAttention` node of one head whose state has a name of its own."""
    refuse_state(past_state)
    return attention_node(query, key, value, None, 1, 1, 1.0, {STATE: state})


def softmax_attention(
    qkv: Tensor,
    keep: Tensor | None = None,
    past_state: object = None,
    *,
    heads: int,
    kv_heads: int | None = None,
    window: int = 0,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """One `GroupQueryAttention` node over packed projections, the fastest attention with a cache in ONNX Runtime."""
    refuse_state(past_state)
    if keep is not None:
        raise ValueError("softmax attention is called with `keep`: a step graph has no padding, call it without")
    groups = kv_heads or heads
    batch, sequence, width = qkv.shape
    head_dim = width // (heads + 2 * groups)
    if head_dim % HEAD_DIM_MULTIPLE:
        raise ValueError(f"head_dim of softmax attention is {head_dim}, wanted a multiple of {HEAD_DIM_MULTIPLE}")
    cache = (batch, groups, sequence, head_dim)
    output, keys, values = torch.onnx.ops.symbolic_multi_out(
        f"{CONTRIB}::GroupQueryAttention",
        (qkv, None, None),
        {"num_heads": heads, "kv_num_heads": groups, "local_window_size": window or NO_WINDOW},
        dtypes=(FLOAT, FLOAT, FLOAT),
        shapes=((batch, sequence, heads * head_dim), cache, cache),
        version=1,
    )
    return output, (keys, values)


def softmax_read(query: Tensor, keys: Tensor, values: Tensor, keep: Tensor | None = None) -> Tensor:
    """One `MultiHeadAttention` node, which reads keys and values as they were kept.

    At one token it is 3 to 15% faster than products and a softmax, and as fast as the standard `Attention`.
    """
    return multi_head_attention(query, keys, values, keep, heads=keys.shape[1])


def softmax_self(query: Tensor, key: Tensor, value: Tensor, keep: Tensor | None = None, *, heads: int) -> Tensor:
    """One `MultiHeadAttention` node, which splits the heads itself.

    So given, and without a mask, it goes over keys and values block by block, in memory linear in their number.
    """
    return multi_head_attention(query, key, value, keep, heads)


def multi_head_attention(query: Tensor, keys: Tensor, values: Tensor, keep: Tensor | None, heads: int) -> Tensor:
    """One `MultiHeadAttention` node.  query: [B, T, H d].  keys, values: [B, H, M, d] or [B, M, H d].  keep: [B, M]."""
    inputs: list[Tensor | None] = [query, keys, values]
    if keep is not None:
        inputs += [None, keep.to(torch.int32)]
    return torch.onnx.ops.symbolic(
        f"{CONTRIB}::MultiHeadAttention",
        inputs,
        {"num_heads": heads},
        dtype=FLOAT,
        shape=query.shape,
        version=1,
    )


def summarize(phi_k: Tensor, v: Tensor) -> Tensor:
    """One product for each head, which reads its left side transposed: 10 to 20% faster than a transposed copy."""
    keys = phi_k.transpose(1, 2)
    values = v.transpose(1, 2)
    return torch.onnx.ops.symbolic(
        f"{CONTRIB}::FusedMatMul",
        (keys, values),
        {"transA": 1},
        dtype=FLOAT,
        shape=(*keys.shape[:2], keys.shape[-1], values.shape[-1]),
        version=1,
    )


def read_summary(phi_q: Tensor, summary: Tensor) -> Tensor:
    """One product for each head.

    At one token as fast as a product that broadcasts over tokens, without transposes: both take 10 us for 8 heads of
    128 x 65.  At 16 tokens twice as fast, at 64 three times.
    """
    return torch.matmul(phi_q.transpose(1, 2), summary).transpose(1, 2)


def recent(x: Tensor, length: int, past: object = None, *, state: str) -> tuple[Tensor, Tensor]:
    """One node of ours, which `graph/rewrite/recent.py` writes in ordinary operators once its state is threaded."""
    refuse_state(past)
    batch, sequence, width = x.shape
    joined, present = torch.onnx.ops.symbolic_multi_out(
        f"{OURS}::{RECENT}",
        (x, None),
        {"length": length, STATE: state},
        dtypes=(FLOAT, FLOAT),
        shapes=((batch, length + sequence, width), (batch, length, width)),
        version=1,
    )
    return joined, present


def rotate(x: Tensor, turn: Rotation, heads: int) -> Tensor:
    """One `RotaryEmbedding` node of opset 23, with the angles' cosines and sines as its caches."""
    return torch.onnx.ops.symbolic(
        "RotaryEmbedding",
        (x, *turn),
        {"num_heads": heads},
        dtype=FLOAT,
        shape=x.shape,
        version=ROTARY_OPSET,
    )


def random_projection(x: Tensor, w: Tensor) -> Tensor:
    """One broadcast `MatMul`: no transposed copy of x, as fast at one token and as fast as the sines at many."""
    return torch.matmul(x, w.transpose(-1, -2))


def projection_of_a_batch(x: Tensor, w: Tensor) -> Tensor:
    """One product for each head and token, over all rows of the batch: as fast at one row, twice as fast at 16."""
    rows, *others, _ = x.shape
    w = w.transpose(-1, -2).unsqueeze(-3)
    w = w[(None,) * (x.dim() - w.dim())]  # the operator broadcasts over dimensions that are there
    projected = torch.onnx.ops.symbolic(
        f"{CONTRIB}::FusedMatMul",
        (x, w),
        {"transBatchA": 1},  # [B, T, ..., H, 1, d] is read as [T, ..., H, 1, B, d]
        dtype=FLOAT,
        shape=(*others, rows, w.shape[-1]),
        version=1,
    )
    return projected.movedim(-2, 0)


def projection_of_a_sequence(x: Tensor, w: Tensor) -> Tensor:
    """One product for each head, over all tokens: twice as fast at 16 tokens or more."""
    w = w.transpose(-1, -2).unsqueeze(-3)
    return torch.matmul(x.movedim(1, -2), w).movedim(-2, 1)


def refuse_state(past_state: object) -> None:
    """A graph carries one state through each node, and begins where the sequence begins."""
    if past_state is not None:
        raise ValueError("attention is called with a `past_state`: the exporter threads the state, call it without")


SYMBOLIC = Operators(
    recent=recent,
    rotate=rotate,
    random_projection=random_projection,
    linear_attention=linear_attention,
    accumulate=accumulate,
    window_attention=dense_window,
    softmax_attention=softmax_attention,
    summarize=summarize,
    read_summary=read_summary,
    softmax_read=softmax_read,
    softmax_self=softmax_self,
)
SYMBOLIC_STEP = replace(SYMBOLIC, random_projection=projection_of_a_batch)
"""For a graph that is run token by token, for many rows at once."""
SYMBOLIC_SEQUENCE = replace(SYMBOLIC, random_projection=projection_of_a_sequence)
"""For a graph that reads whole sequences."""
