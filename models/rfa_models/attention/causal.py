"""Causal self-attention layers: Random Feature Attention, and softmax behind the same interface.

Both are called as `layer(x, keep, past_state, position_ids) -> (output, present_state)`.  Build any network from them:
what it needs for export happens inside.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rfa_models.attention import operators
from rfa_models.attention.config import AttentionConfig
from rfa_models.attention.denominator import normalize_heads
from rfa_models.attention.linear_attention import State
from rfa_models.attention.projections import Affine, affine, constant_one
from rfa_models.attention.rotary import Rotation, positions_from_zero, rotation
from rfa_models.attention.self_attention import RfaSelfAttention, SoftmaxSelfAttention
from rfa_models.attention.window.look_back import Seen, look_back
from rfa_models.attention.window.rows import Tokens

LARGEST_LOG_WEIGHT = 8.0
"""A key counts e^-8 to e^8 times: sums over many tokens must stay numbers."""


class RfaAttention(RfaSelfAttention):
    """Random Feature Attention over the past, with or without the gate [paper, sections 3.1 and 3.2].

    With a window the last W tokens are read by softmax, and tokens enter the sums when they leave the window.
    """

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__(config)
        self.gate_proj = nn.Linear(config.width, config.groups) if config.gate else None
        self.key_proj = nn.Linear(config.width, config.groups) if config.key_weight else None
        self.log_share = nn.Parameter(torch.zeros(config.heads)) if config.window else None
        """[H], of the sums beside the window's."""
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialize the projections; the gate starts almost open, and every key counts as 1."""
        self.reset_projections()
        if self.gate_proj is not None:
            nn.init.zeros_(self.gate_proj.weight)
            with torch.no_grad():
                self.gate_proj.bias.copy_(gate_biases(self.config))
        if self.key_proj is not None:
            nn.init.zeros_(self.key_proj.weight)
            nn.init.zeros_(self.key_proj.bias)

    def per_head(self) -> list[Affine]:
        """The projections to one number for each head of keys: minus the gate's logit, and the key's log weight.

        Without either it is the constant one.
        """
        found: list[Affine] = []
        if self.gate_proj is not None:
            found.append((-self.gate_proj.weight, -self.gate_proj.bias))
        if self.key_proj is not None:
            found.append(affine(self.key_proj))
        return found or [constant_one(self.v_proj, self.config.groups)]

    def forward(
        self,
        x: Tensor,
        keep: Tensor | None = None,
        past_state: State | None = None,
        position_ids: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """Attend from every token to the tokens up to itself.

        x: [B, T, E].  keep: [B, T], 1 = token, 0 = padding; with a window nothing goes on from a state behind padding.
        past_state: of the tokens before, the sums [B, G, K, d],
        their normalizer [B, G, K, 1], and with a window its rows [B, W, C] and its sinks.  position_ids: int64 [B, T],
        for rotary positions; they count from 0 where none are given.
        Returns the output [B, T, E] and the state after the last token.
        """
        turn = turn_of(x, position_ids, self.config)
        qk, v, of_heads = self.project(x, affine(self.v_proj), *self.per_head(), turn=turn)
        with torch.autocast(x.device.type, enabled=False):  # sums over many tokens stay in float32
            weight, log_decay = self.weigh(of_heads)
            tokens = Tokens(qk, v, weight, log_decay)
            if self.config.window:
                past_sums = None if past_state is None else past_state[:2]
                past = None if past_state is None else past_state[2:]
                late, seen = look_back(tokens, keep, past, self.config)
                numerator, denominator, sums = self.sum_up(late, None, past_sums)
                numerator, denominator = self.add_seen(numerator, denominator, seen)
                state = (*sums, *seen.state)
            else:
                numerator, denominator, state = self.sum_up(tokens, keep, past_state)
            output = normalize_heads(numerator, denominator, self.config).flatten(2)
        return self.out_proj(output), state

    def sum_up(self, tokens: Tokens, keep: Tensor | None, past_state: State | None) -> tuple[Tensor, Tensor, State]:
        """Attend by features.  keep: [B, T].

        Returns the numerator [B, T, H, d], the denominator [B, T, H], and the sums with their normalizer.
        """
        phi_q, phi_k = self.by_head(self.features(tokens.qk).flatten(2))
        v = tokens.v
        if self.gate_proj is not None or self.key_proj is not None or self.config.sinks:
            v = v * tokens.weight.unsqueeze(-1)
        log_decay = tokens.log_decay
        if keep is not None:
            phi_k, log_decay = leave_out_padding(phi_k, log_decay, keep)
        numerator, denominator, state = operators.current().linear_attention(
            phi_q,
            phi_k,
            v.flatten(2),
            tokens.weight,
            log_decay,
            past_state,
            heads=self.config.heads,
            kv_heads=self.config.groups,
            scale=self.config.scale**2,
            chunk=self.config.chunk,
        )
        return numerator.unflatten(-1, (self.config.heads, -1)), denominator, state

    def add_seen(self, numerator: Tensor, denominator: Tensor, seen: Seen) -> tuple[Tensor, Tensor]:
        """One attention of what softmax has seen and of what the sums hold.  [B, T, H, d], [B, T, H] -> the same."""
        assert self.log_share is not None
        share = self.log_share.exp()
        numerator = numerator * share.unsqueeze(-1) + seen.numerator.unflatten(-1, (self.config.heads, -1))
        return numerator, denominator * share + seen.denominator

    def by_head(self, phi: Tensor) -> tuple[Tensor, Tensor]:
        """Queries, and keys.  phi: [B, T, S G K], by sides -> [B, T, H K], heads of a group together, [B, T, G K]."""
        features = self.config.features
        phi_q, phi_k = phi.split([self.config.heads * features, self.config.groups * features], dim=-1)
        if self.config.groups != self.config.heads:
            phi_q = phi_q.unflatten(-1, (-1, self.config.groups, features)).transpose(2, 3).flatten(2)
        return phi_q, phi_k

    def weigh(self, of_heads: list[Tensor]) -> tuple[Tensor, Tensor | None]:
        """How much each key counts, and the log decay of the state, None without a gate.

        of_heads: what `per_head` projects to, [B, T, G] each.  Returns two such.
        """
        if self.gate_proj is None and self.key_proj is None:
            return of_heads[0], None
        weight = None
        log_decay = None
        if self.gate_proj is not None:  # g = sigmoid(-x): log g and 1 - g without loss of accuracy
            log_decay = -F.softplus(of_heads[0])
            weight = torch.sigmoid(of_heads[0])
        if self.key_proj is not None:
            key_weight = of_heads[-1].clamp(-LARGEST_LOG_WEIGHT, LARGEST_LOG_WEIGHT).exp()
            weight = key_weight if weight is None else weight * key_weight
        assert weight is not None
        return weight, log_decay


class SoftmaxAttention(SoftmaxSelfAttention):
    """Softmax attention over the past: the twin of RfaAttention with the same projections."""

    def forward(
        self,
        x: Tensor,
        keep: Tensor | None = None,
        past_state: tuple[Tensor, Tensor] | None = None,
        position_ids: Tensor | None = None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Attend from every token to the tokens up to itself.

        x: [B, T, E].  keep: [B, T], 1 = token, 0 = padding.  past_state: keys and values [B, G, T', d] of the tokens
        before.  position_ids: int64 [B, T], for rotary positions.  Returns the output [B, T, E] and the keys and values
        of all tokens so far.
        """
        packed = self.project(x, turn_of(x, position_ids, self.config))
        output, state = operators.current().softmax_attention(
            packed,
            keep,
            past_state,
            heads=self.config.heads,
            kv_heads=self.config.groups,
            window=self.config.window,
        )
        return self.out_proj(output), state


CausalAttention = RfaAttention | SoftmaxAttention


def turn_of(x: Tensor, position_ids: Tensor | None, config: AttentionConfig) -> Rotation | None:
    """How queries and keys are turned, None where they are not.  x: [B, T, E], position_ids: int64 [B, T]."""
    if config.rope_theta is None:
        return None
    if position_ids is None:
        position_ids = positions_from_zero(x)
    return rotation(position_ids, config.head_dim, config.rope_theta)


def gate_biases(config: AttentionConfig) -> Tensor:
    """The logits that gates begin with, [G]: equal, or for half-lives from 1 token to the longest."""
    if config.gate_half_life is None:
        return torch.full((config.groups,), config.gate_bias)
    longest = math.log2(config.gate_half_life)
    shortest = 0.0 if config.groups > 1 else longest
    half_lives = torch.logspace(shortest, longest, config.groups, base=2)
    return torch.logit(0.5 ** (1 / half_lives))


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
