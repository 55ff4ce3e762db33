"""Self-attention in both directions, for encoders and classifiers: RFA, and softmax behind the same interface.

Both are called as `layer(x, keep) -> output`; `keep` marks padding.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rfa_models.attention import operators
from rfa_models.attention.config import AttentionConfig
from rfa_models.attention.denominator import normalize
from rfa_models.attention.projections import with_constant_one
from rfa_models.attention.self_attention import RfaSelfAttention, SoftmaxSelfAttention


class RfaEncoderAttention(RfaSelfAttention):
    """Random Feature Attention to a whole sequence, in time and memory linear in its length."""

    def __init__(self, config: AttentionConfig) -> None:
        config.check_without_order("an encoder")
        super().__init__(config)
        self.reset_projections()

    def forward(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        """Attend from every token to all tokens.

        x: [B, T, E].  keep: [B, T], 1 = token, 0 = padding.  Returns [B, T, E].
        """
        qk, v, _ = self.project(x, with_constant_one(self.v_proj, self.config))
        with torch.autocast(x.device.type, enabled=False):  # sums over many tokens stay in float32
            phi_q, phi_k = self.features(qk).flatten(4).unbind(2)
            if keep is not None:  # after the feature map: cos(0) is not 0
                phi_k = phi_k * keep[:, :, None, None].to(phi_k.dtype)
            operator = operators.current()
            sums = operator.read_summary(phi_q, operator.summarize(phi_k, v)) * self.config.scale**2
            output = normalize(sums, self.config).flatten(2)
        return self.out_proj(output)


class SoftmaxEncoderAttention(SoftmaxSelfAttention):
    """Softmax attention to a whole sequence: the twin of RfaEncoderAttention with the same projections."""

    def forward(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        """Attend from every token to all tokens, in time quadratic in their number.

        x: [B, T, E].  keep: [B, T], 1 = token, 0 = padding.  Returns [B, T, E].
        """
        q, k, v = self.project(x).chunk(3, dim=-1)
        return self.out_proj(operators.current().softmax_self(q, k, v, keep, heads=self.config.heads))


EncoderAttention = RfaEncoderAttention | SoftmaxEncoderAttention


def build_encoder_attention(config: AttentionConfig) -> EncoderAttention:
    """The encoder's layer that the configuration names."""
    return RfaEncoderAttention(config) if config.kind == "rfa" else SoftmaxEncoderAttention(config)
