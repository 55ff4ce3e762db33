"""Attention from a target to a source that was summed up once: RFA, and softmax behind the same interface.

    memory = layer.remember(source, keep)     once per source
    output = layer(x, memory, keep)           every target step

RFA's memory is one state of fixed size; softmax remembers every token.  It has no gate [section 3.2]: a source has no
past to forget.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rfa_models.attention import operators
from rfa_models.attention.causal import at_least_float32, reset_projections, with_constant_one
from rfa_models.attention.config import AttentionConfig
from rfa_models.attention.denominator import normalize
from rfa_models.attention.random_features import RandomFeatures
from rfa_models.errors import ConfigError

Memory = tuple[Tensor, ...]
"""What a layer keeps of a source.  RFA: (sums [B, H, K, d + 1],).  Softmax: keys and values, both [B, H, M, d]."""


class RfaCrossAttention(RandomFeatures):
    """Random Feature Attention to a source [section 3.1]."""

    def __init__(self, config: AttentionConfig) -> None:
        if config.gate:
            raise ConfigError("gate = true in cross attention: a source has no past to forget: drop it")
        super().__init__(config)
        width = config.width
        self.q_proj, self.k_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.v_proj, self.out_proj = nn.Linear(width, width), nn.Linear(width, width)
        reset_projections(self.q_proj, self.k_proj, self.v_proj, self.out_proj)

    def remember(self, source: Tensor, keep: Tensor | None = None) -> Memory:
        """Sum up a source.  source: [B, M, E].  keep: [B, M], 1 = token, 0 = padding."""
        heads, head_dim = self.config.heads, self.config.head_dim
        value, value_bias = with_constant_one(self.v_proj, self.config)
        packed = F.linear(source, torch.cat([self.k_proj.weight, value]), torch.cat([self.k_proj.bias, value_bias]))
        with torch.autocast(source.device.type, enabled=False):  # sums over many tokens stay in float32
            k, v = at_least_float32(packed).split([heads * head_dim, heads * (head_dim + 1)], dim=-1)
            phi_k = self.features(k.unflatten(-1, (heads, 1, head_dim))).flatten(3)
            if keep is not None:  # after the feature map: cos(0) is not 0
                phi_k = phi_k * keep[:, :, None, None].to(phi_k.dtype)
            # Scaled here, once for a source, for the query's features too: a step has less to do.
            return (
                operators.current().summarize(phi_k, v.unflatten(-1, (heads, head_dim + 1))) * self.config.scale**2,
            )

    def forward(self, x: Tensor, memory: Memory, keep: Tensor | None = None) -> Tensor:
        """Attend from every target token to the source.  x: [B, T, E] -> [B, T, E].

        keep, of the source, is for the softmax twin: here padding was left out of the sums.
        """
        q = at_least_float32(self.q_proj(x)).unflatten(-1, (self.config.heads, 1, self.config.head_dim))
        with torch.autocast(x.device.type, enabled=False):
            sums = operators.current().read_summary(self.features(q).flatten(3), memory[0])
            output = normalize(sums, self.config).flatten(2)
        return self.out_proj(output)


class SoftmaxCrossAttention(nn.Module):
    """Softmax attention to a source: the twin of RfaCrossAttention with the same projections."""

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.q_proj, self.k_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.v_proj, self.out_proj = nn.Linear(width, width), nn.Linear(width, width)
        reset_projections(self.q_proj, self.k_proj, self.v_proj, self.out_proj)

    def remember(self, source: Tensor, keep: Tensor | None = None) -> Memory:
        """Keys and values of every source token.  source: [B, M, E]."""
        parts = (self.k_proj(source), self.v_proj(source))
        keys, values = (part.unflatten(-1, (self.config.heads, -1)).transpose(1, 2) for part in parts)
        return keys, values

    def forward(self, x: Tensor, memory: Memory, keep: Tensor | None = None) -> Tensor:
        """As RfaCrossAttention.forward; keep: [B, M] of the source."""
        keys, values = memory
        return self.out_proj(operators.current().softmax_read(self.q_proj(x), keys, values, keep))


def build_cross_attention(config: AttentionConfig) -> Any:
    """The layer that the configuration names."""
    return (RfaCrossAttention if config.kind == "rfa" else SoftmaxCrossAttention)(config)
