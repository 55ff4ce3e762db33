"""Causal self-attention layers: Random Feature Attention, and softmax behind the same interface.

Both are called as `layer(x, keep, past_state) -> (output, present_state)`.  Build any network from them: what it needs
for export happens inside.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rfa_models.attention import operators
from rfa_models.attention.config import AttentionConfig
from rfa_models.attention.denominator import normalize_heads
from rfa_models.attention.linear_attention import State
from rfa_models.attention.projections import Affine, affine, constant_one
from rfa_models.attention.self_attention import RfaSelfAttention, SoftmaxSelfAttention


class RfaAttention(RfaSelfAttention):
    """Random Feature Attention over the past, with or without the gate [paper, sections 3.1 and 3.2]."""

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__(config)
        self.gate_proj = nn.Linear(config.width, config.heads) if config.gate else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialize the projections; the gate starts almost open."""
        self.reset_projections()
        if self.gate_proj is not None:
            nn.init.zeros_(self.gate_proj.weight)
            nn.init.constant_(self.gate_proj.bias, self.config.gate_bias)

    def per_head(self) -> Affine:
        """The projection to one number for each head: minus the gate's logit, or the constant one without a gate."""
        if self.gate_proj is None:
            return constant_one(self.v_proj, self.config.heads)
        return -self.gate_proj.weight, -self.gate_proj.bias

    def forward(self, x: Tensor, keep: Tensor | None = None, past_state: State | None = None) -> tuple[Tensor, State]:
        """Attend from every token to the tokens up to itself.

        x: [B, T, E].  keep: [B, T], 1 = token, 0 = padding.  past_state: of the tokens before, the sums [B, H, K, d]
        and their normalizer [B, H, K, 1].  Returns the output [B, T, E] and the state after the last token.
        """
        qk, v, (of_heads,) = self.project(x, affine(self.v_proj), self.per_head())
        with torch.autocast(x.device.type, enabled=False):  # sums over many tokens stay in float32
            phi_q, phi_k = self.features(qk).flatten(2).chunk(2, dim=-1)
            weight = of_heads
            log_decay = None
            if self.gate_proj is not None:  # g = sigmoid(-x): log g and 1 - g without loss of accuracy
                log_decay = -F.softplus(of_heads)
                weight = torch.sigmoid(of_heads)
                v = v * weight.unsqueeze(-1)
            if keep is not None:
                phi_k, log_decay = leave_out_padding(phi_k, log_decay, keep)
            numerator, denominator, state = operators.current().linear_attention(
                phi_q,
                phi_k,
                v.flatten(2),
                weight,
                log_decay,
                past_state,
                heads=self.config.heads,
                scale=self.config.scale**2,
                chunk=self.config.chunk,
            )
            numerator = numerator.unflatten(-1, (self.config.heads, -1))
            output = normalize_heads(numerator, denominator, self.config).flatten(2)
        return self.out_proj(output), state


class SoftmaxAttention(SoftmaxSelfAttention):
    """Softmax attention over the past: the twin of RfaAttention with the same projections."""

    def forward(
        self, x: Tensor, keep: Tensor | None = None, past_state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Attend from every token to the tokens up to itself.

        x: [B, T, E].  keep: [B, T], 1 = token, 0 = padding.  past_state: keys and values [B, H, T', d] of the tokens
        before.  Returns the output [B, T, E] and the keys and values of all tokens so far.
        """
        output, state = operators.current().softmax_attention(
            self.project(x), keep, past_state, heads=self.config.heads
        )
        return self.out_proj(output), state


CausalAttention = RfaAttention | SoftmaxAttention


def leave_out_padding(phi_k: Tensor, log_decay: Tensor | None, keep: Tensor) -> tuple[Tensor, Tensor | None]:
    """Make padded tokens leave the state as it is: no key, no decay.  keep: [B, T].

    The mask comes after the feature map: cos(0) is not 0.
    """
    phi_k = phi_k * keep[:, :, None].to(phi_k.dtype)
    if log_decay is None:
        return phi_k, None
    return phi_k, log_decay * keep[:, :, None].to(log_decay.dtype)


def build_attention(config: AttentionConfig) -> CausalAttention:
    """The causal layer that the configuration names."""
    return RfaAttention(config) if config.kind == "rfa" else SoftmaxAttention(config)
