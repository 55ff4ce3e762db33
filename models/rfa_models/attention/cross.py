"""Attention from a target to a source that was read once: RFA, and softmax behind the same interface.

    state = layer.read_source(source, keep)     once per source
    output = layer(x, state, keep)              every target step

RFA's state of a source has a fixed size; softmax keeps every token.  There is no gate [section 3.2]: a source has no
past to forget.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rfa_models.attention import operators
from rfa_models.attention.config import AttentionConfig
from rfa_models.attention.denominator import normalize
from rfa_models.attention.features import FeatureMaps
from rfa_models.attention.projections import (
    Projections,
    affine,
    at_least_float32,
    project_together,
    with_constant_one,
)
from rfa_models.errors import ConfigError

SourceState = tuple[Tensor, ...]
"""What a layer keeps of a source.  RFA: (sums [B, H, K, d + 1],).  Softmax: keys and values, both [B, H, M, d]."""


class RfaCrossAttention(FeatureMaps):
    """Random Feature Attention to a source [section 3.1]."""

    def __init__(self, config: AttentionConfig) -> None:
        config.check_without_order("cross attention")
        if config.feature_map == "hedgehog":
            raise ConfigError("feature_map = 'hedgehog' in cross attention: queries and keys are read apart there")
        super().__init__(config)
        self.reset_projections()
        nn.init.zeros_(self.q_proj.bias)  # as the authors do here, but not in causal attention

    def read_source(self, source: Tensor, keep: Tensor | None = None) -> SourceState:
        """Sum up a source.  source: [B, M, E].  keep: [B, M], 1 = token, 0 = padding.  Returns [B, H, K, d + 1]."""
        heads = self.config.heads
        head_dim = self.config.head_dim
        packed = project_together(source, affine(self.k_proj), with_constant_one(self.v_proj, self.config))
        with torch.autocast(source.device.type, enabled=False):  # sums over many tokens stay in float32
            k, v = at_least_float32(packed).split([heads * head_dim, heads * (head_dim + 1)], dim=-1)
            phi_k = self.features(k.unflatten(-1, (heads, 1, head_dim))).flatten(3)
            if keep is not None:  # after the feature map: cos(0) is not 0
                phi_k = phi_k * keep[:, :, None, None].to(phi_k.dtype)
            sums = operators.current().summarize(phi_k, v.unflatten(-1, (heads, head_dim + 1)))
            # Scaled here, once for a source, for the query's features too: a step has less to do.
            return (sums * self.config.scale**2,)

    def forward(self, x: Tensor, state: SourceState, keep: Tensor | None = None) -> Tensor:
        """Attend from every target token to the source.  x: [B, T, E] -> [B, T, E].

        state: of `read_source`.  keep, of the source, is for the softmax twin: here padding was left out of the sums.
        """
        q = at_least_float32(self.q_proj(x)).unflatten(-1, (self.config.heads, 1, self.config.head_dim))
        with torch.autocast(x.device.type, enabled=False):
            (summary,) = state
            sums = operators.current().read_summary(self.features(q).flatten(3), summary)
            output = normalize(sums, self.config).flatten(2)
        return self.out_proj(output)


class SoftmaxCrossAttention(Projections):
    """Softmax attention to a source: the twin of RfaCrossAttention with the same projections."""

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__(config)
        self.reset_projections()
        nn.init.zeros_(self.q_proj.bias)  # as the authors do here, but not in causal attention

    def read_source(self, source: Tensor, keep: Tensor | None = None) -> SourceState:
        """Keys and values of every source token.  source: [B, M, E].  Returns twice [B, H, M, d]."""
        keys = self.split_heads(self.k_proj(source))
        values = self.split_heads(self.v_proj(source))
        return keys, values

    def split_heads(self, x: Tensor) -> Tensor:
        """The channels of each head apart.  [B, M, H d] -> [B, H, M, d]."""
        return x.unflatten(-1, (self.config.heads, -1)).transpose(1, 2)

    def forward(self, x: Tensor, state: SourceState, keep: Tensor | None = None) -> Tensor:
        """Attend from every target token to the source.  x: [B, T, E], keep: [B, M] of the source -> [B, T, E]."""
        keys, values = state
        return self.out_proj(operators.current().softmax_read(self.q_proj(x), keys, values, keep))


CrossAttention = RfaCrossAttention | SoftmaxCrossAttention


def build_cross_attention(config: AttentionConfig) -> CrossAttention:
    """The layer of cross attention that the configuration names."""
    return RfaCrossAttention(config) if config.kind == "rfa" else SoftmaxCrossAttention(config)
