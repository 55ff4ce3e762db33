"""Causal self-attention layers: Random Feature Attention, and softmax behind the same interface.

Both are called as `layer(x, keep, past_state) -> (output, present_state)`.  Build any network from them: what it needs
for export happens inside.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rfa_models.attention import operators
from rfa_models.attention.config import AttentionConfig
from rfa_models.attention.denominator import normalize
from rfa_models.attention.random_features import RandomFeatures


class RfaAttention(RandomFeatures):
    """Random Feature Attention over the past, with or without the gate [paper, sections 3.1 and 3.2]."""

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__(config)
        width, heads = config.width, config.heads
        self.q_proj, self.k_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.v_proj, self.out_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.gate_proj = nn.Linear(width, heads) if config.gate else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialize the projections; the gate starts almost open."""
        reset_projections(self.q_proj, self.k_proj, self.v_proj, self.out_proj)
        if self.gate_proj is not None:
            nn.init.zeros_(self.gate_proj.weight)
            nn.init.constant_(self.gate_proj.bias, self.config.gate_bias)

    def forward(self, x: Tensor, keep: Tensor | None = None, past_state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Attend from every token to the tokens up to itself.

        x: [B, T, E].  keep: [B, T], 1 = token, 0 = padding.  past_state: [B, H, K, d + 1] of the tokens before.
        Returns the output [B, T, E] and the state after the last token.
        """
        qk, v, forget = self.project(x)
        with torch.autocast(x.device.type, enabled=False):  # sums over many tokens stay in float32
            phi_q, phi_k = self.features(qk).flatten(2).chunk(2, dim=-1)
            log_decay = None
            if forget is not None:  # g = sigmoid(-forget): log g and 1 - g without loss of accuracy
                log_decay, v = -F.softplus(forget), v * torch.sigmoid(forget).unsqueeze(-1)
            if keep is not None:
                phi_k, log_decay = leave_out_padding(phi_k, log_decay, keep)
            sums, state = operators.current().linear_attention(
                phi_q,
                phi_k,
                v.flatten(2),
                log_decay,
                past_state,
                heads=self.config.heads,
                scale=self.config.scale**2,
                chunk=self.config.chunk,
            )
            output = normalize(sums.unflatten(-1, (self.config.heads, -1)), self.config).flatten(2)
        return self.out_proj(output), state

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """One product for everything that is read from x.

        x: [B, T, E].  Returns the heads' queries, then keys, a row each [B, T, 2, H, 1, d], values with their constant
        one [B, T, H, d + 1], and minus the gate's logit [B, T, H] or None, all float32 at least.
        """
        heads, head_dim = self.config.heads, self.config.head_dim
        packed = F.linear(x, *self.packed_projection())
        packed = at_least_float32(packed)
        sizes = [2 * heads * head_dim, heads * (head_dim + 1)] + [heads] * self.config.gate
        qk, v, *forget = packed.split(sizes, dim=-1)
        qk, v = qk.unflatten(-1, (2, heads, 1, head_dim)), v.unflatten(-1, (heads, head_dim + 1))
        return qk, v, forget[0] if forget else None

    def packed_projection(self) -> tuple[Tensor, Tensor]:
        """Weight and bias of all projections in one."""
        parts: list[tuple[Tensor, Tensor]] = [
            (self.q_proj.weight, self.q_proj.bias),
            (self.k_proj.weight, self.k_proj.bias),
        ]
        parts.append(with_constant_one(self.v_proj, self.config))
        if self.gate_proj is not None:
            parts.append((-self.gate_proj.weight, -self.gate_proj.bias))
        weights, biases = zip(*parts, strict=True)
        return torch.cat(weights), torch.cat(biases)


class SoftmaxAttention(nn.Module):
    """Softmax attention over the past: the twin of RfaAttention with the same projections."""

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.q_proj, self.k_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.v_proj, self.out_proj = nn.Linear(width, width), nn.Linear(width, width)
        reset_projections(self.q_proj, self.k_proj, self.v_proj, self.out_proj)

    def forward(
        self, x: Tensor, keep: Tensor | None = None, past_state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """As RfaAttention.forward; the state is the pair of key and value caches [B, H, T, d]."""
        layers = (self.q_proj, self.k_proj, self.v_proj)
        qkv = F.linear(x, torch.cat([p.weight for p in layers]), torch.cat([p.bias for p in layers]))
        output, state = operators.current().softmax_attention(qkv, keep, past_state, heads=self.config.heads)
        return self.out_proj(output), state


def with_constant_one(v_proj: nn.Linear, config: AttentionConfig) -> tuple[Tensor, Tensor]:
    """Weight and bias of the value projection with a zero row of bias 1 for each head: its constant one, last.

    The state's last column is then the normalizer z.
    """
    weight = F.pad(v_proj.weight.unflatten(0, (config.heads, config.head_dim)), (0, 0, 0, 1)).flatten(0, 1)
    return weight, F.pad(v_proj.bias.unflatten(0, (config.heads, config.head_dim)), (0, 1), value=1.0).flatten()


def at_least_float32(x: Tensor) -> Tensor:
    """Autocast's half precision back to float32: sums over many tokens need it."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def reset_projections(*projections: nn.Linear) -> None:
    """Initialize as the authors do: Xavier, with gain 1/sqrt(2) for all but the last, the output; zero biases."""
    for projection in projections:
        nn.init.xavier_uniform_(projection.weight, gain=1.0 if projection is projections[-1] else 2**-0.5)
        nn.init.zeros_(projection.bias)


def leave_out_padding(phi_k: Tensor, log_decay: Tensor | None, keep: Tensor) -> tuple[Tensor, Tensor | None]:
    """Make padded tokens leave the state as it is: no key, no decay.  keep: [B, T].

    The mask comes after the feature map: cos(0) is not 0.
    """
    phi_k = phi_k * keep[:, :, None].to(phi_k.dtype)
    return phi_k, None if log_decay is None else log_decay * keep[:, :, None].to(log_decay.dtype)


def build_attention(config: AttentionConfig) -> Any:
    """The attention layer that the configuration names."""
    return (RfaAttention if config.kind == "rfa" else SoftmaxAttention)(config)
