"""What causal and encoder attention share: queries, keys and values of one sequence, by one product."""

from __future__ import annotations

from torch import Tensor, nn

from rfa_models.attention.config import AttentionConfig
from rfa_models.attention.features import RandomFeatures
from rfa_models.attention.projections import (
    Projections,
    affine,
    at_least_float32,
    project_together,
    with_constant_one,
)


class RfaSelfAttention(RandomFeatures):
    """The parent of RFA layers that read one sequence."""

    def project(self, x: Tensor, gate: nn.Linear | None = None) -> tuple[Tensor, Tensor, Tensor | None]:
        """One product for everything that is read from x.

        x: [B, T, E].  Returns the heads' queries, then keys, a row each [B, T, 2, H, 1, d], values with their constant
        one [B, T, H, d + 1], and minus the gate's logit [B, T, H] or None, all float32 at least.
        """
        heads = self.config.heads
        head_dim = self.config.head_dim
        parts = [affine(self.q_proj), affine(self.k_proj), with_constant_one(self.v_proj, self.config)]
        sizes = [2 * heads * head_dim, heads * (head_dim + 1)]
        if gate is not None:
            parts.append((-gate.weight, -gate.bias))
            sizes.append(heads)
        qk, v, *forget = at_least_float32(project_together(x, *parts)).split(sizes, dim=-1)
        qk = qk.unflatten(-1, (2, heads, 1, head_dim))
        v = v.unflatten(-1, (heads, head_dim + 1))
        return qk, v, forget[0] if forget else None


class SoftmaxSelfAttention(Projections):
    """The parent of softmax layers that read one sequence: the twins of RFA's, with the same projections."""

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__(config)
        self.reset_projections()

    def project(self, x: Tensor) -> Tensor:
        """Queries, keys and values side by side.  x: [B, T, E] -> [B, T, 3 E]."""
        return project_together(x, affine(self.q_proj), affine(self.k_proj), affine(self.v_proj))
