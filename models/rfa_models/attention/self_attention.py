"""What causal and encoder attention share: queries, keys and values of one sequence, by one product."""

from __future__ import annotations

import torch
from torch import Tensor

from rfa_models.attention import operators
from rfa_models.attention.config import AttentionConfig
from rfa_models.attention.features import FeatureMaps
from rfa_models.attention.projections import (
    Affine,
    Projections,
    affine,
    at_least_float32,
    project_together,
)
from rfa_models.attention.rotary import Rotation


class RfaSelfAttention(FeatureMaps):
    """The parent of RFA layers that read one sequence."""

    def project(
        self, x: Tensor, value: Affine, *others: Affine, turn: Rotation | None = None
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """One product for everything that is read from x.

        x: [B, T, E].  value: the projection that makes values.  others: what else is read.  turn: of queries and keys.
        Returns queries and keys as rows by sides [B, T, S, G, 1, d], values [B, T, G, d], one channel more where
        `value` has it, and the outputs of the others, all float32 at least.
        """
        groups = self.config.groups
        head_dim = self.config.head_dim
        rows = self.config.heads + groups
        sizes = [rows * head_dim]
        for weight, _ in (value, *others):
            sizes.append(len(weight))
        packed = project_together(x, self.queries_by_side(), affine(self.k_proj), value, *others)
        qk, v, *found = at_least_float32(packed).split(sizes, dim=-1)
        if turn is not None:
            qk = operators.current().rotate(qk, turn, rows)
        qk = qk.unflatten(-1, (-1, groups, 1, head_dim))
        v = v.unflatten(-1, (groups, -1))
        return qk, v, found

    def queries_by_side(self) -> Affine:
        """The projection to queries with the first head of every group first, then the second of every group."""
        weight, bias = affine(self.q_proj)
        if self.config.groups == self.config.heads:
            return weight, bias
        by_group = (self.config.groups, -1, self.config.head_dim)
        weight = weight.unflatten(0, by_group).transpose(0, 1).flatten(0, 2)
        if bias is not None:
            bias = bias.unflatten(0, by_group).transpose(0, 1).flatten()
        return weight, bias


class SoftmaxSelfAttention(Projections):
    """The parent of softmax layers that read one sequence: the twins of RFA's, with the same projections."""

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__(config)
        self.reset_projections()

    def project(self, x: Tensor, turn: Rotation | None = None) -> Tensor:
        """Queries, keys and values side by side.  x: [B, T, E] -> [B, T, (H + 2 G) d].  turn: of queries and keys."""
        packed = project_together(x, affine(self.q_proj), affine(self.k_proj), affine(self.v_proj))
        if turn is None:
            return packed
        qk, v = packed.split([self.config.width + self.config.kv_width, self.config.kv_width], dim=-1)
        turned = operators.current().rotate(qk, turn, self.config.heads + self.config.groups)
        return torch.cat([turned, v], dim=-1)
