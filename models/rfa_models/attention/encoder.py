"""Self-attention in both directions, for encoders and classifiers: RFA, and softmax behind the same interface.

Both are called as `layer(x, keep) -> output`; `keep` marks padding.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from rfa_models.attention import operators
from rfa_models.attention.causal import RfaAttention, SoftmaxAttention
from rfa_models.attention.config import AttentionConfig
from rfa_models.attention.denominator import normalize
from rfa_models.errors import ConfigError


class RfaEncoderAttention(RfaAttention):
    """Random Feature Attention to a whole sequence, in time and memory linear in its length."""

    def __init__(self, config: AttentionConfig) -> None:
        if config.gate:
            raise ConfigError("gate = true in an encoder: the gate forgets the past, and an encoder has none: drop it")
        super().__init__(config)

    def forward(self, x: Tensor, keep: Tensor | None = None) -> Tensor:  # type: ignore[override]
        """Attend from every token to all tokens.

        x: [B, T, E].  keep: [B, T], 1 = token, 0 = padding.  Returns [B, T, E].
        """
        qk, v, _ = self.project(x)
        with torch.autocast(x.device.type, enabled=False):  # sums over many tokens stay in float32
            phi_q, phi_k = self.features(qk).flatten(4).unbind(2)
            if keep is not None:  # after the feature map: cos(0) is not 0
                phi_k = phi_k * keep[:, :, None, None].to(phi_k.dtype)
            operator = operators.current()
            sums = operator.read_summary(phi_q, operator.summarize(phi_k, v)) * self.config.scale**2
            output = normalize(sums, self.config).flatten(2)
        return self.out_proj(output)


class SoftmaxEncoderAttention(SoftmaxAttention):
    """Softmax attention to a whole sequence: the twin of RfaEncoderAttention with the same projections."""

    def forward(self, x: Tensor, keep: Tensor | None = None) -> Tensor:  # type: ignore[override]
        """As RfaEncoderAttention.forward; quadratic in the length."""
        layers = (self.q_proj, self.k_proj, self.v_proj)
        qkv = F.linear(x, torch.cat([p.weight for p in layers]), torch.cat([p.bias for p in layers]))
        q, k, v = qkv.chunk(3, dim=-1)
        return self.out_proj(operators.current().softmax_self(q, k, v, keep, heads=self.config.heads))


def build_encoder_attention(config: AttentionConfig) -> Any:
    """The layer that the configuration names."""
    return (RfaEncoderAttention if config.kind == "rfa" else SoftmaxEncoderAttention)(config)
