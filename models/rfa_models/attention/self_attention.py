"""What causal and encoder attention share: queries, keys and values of one sequence, by one product."""

from __future__ import annotations

from torch import Tensor

from rfa_models.attention.config import AttentionConfig
from rfa_models.attention.features import RandomFeatures
from rfa_models.attention.projections import (
    Affine,
    Projections,
    affine,
    at_least_float32,
    project_together,
)


class RfaSelfAttention(RandomFeatures):
    """The parent of RFA layers that read one sequence."""

    def project(self, x: Tensor, value: Affine, *others: Affine) -> tuple[Tensor, Tensor, list[Tensor]]:
        """One product for everything that is read from x.

        x: [B, T, E].  value: the projection that makes values.  others: what else is read.  Returns the heads' queries,
        then keys, a row each [B, T, 2, H, 1, d], values [B, T, H, d], one channel more where `value` has it, and the
        outputs of the others, all float32 at least.
        """
        heads = self.config.heads
        head_dim = self.config.head_dim
        sizes = [2 * heads * head_dim]
        for _, bias in (value, *others):
            sizes.append(len(bias))
        packed = project_together(x, affine(self.q_proj), affine(self.k_proj), value, *others)
        qk, v, *found = at_least_float32(packed).split(sizes, dim=-1)
        qk = qk.unflatten(-1, (2, heads, 1, head_dim))
        v = v.unflatten(-1, (heads, -1))
        return qk, v, found


class SoftmaxSelfAttention(Projections):
    """The parent of softmax layers that read one sequence: the twins of RFA's, with the same projections."""

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__(config)
        self.reset_projections()

    def project(self, x: Tensor) -> Tensor:
        """Queries, keys and values side by side.  x: [B, T, E] -> [B, T, 3 E]."""
        return project_together(x, affine(self.q_proj), affine(self.k_proj), affine(self.v_proj))
