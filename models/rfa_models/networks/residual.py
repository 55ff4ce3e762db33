"""One branch of a transformer's layer: normalized before or after, dropped out, added to what came in.

y = branch(residual.enter(x))
x = residual.add(x, y)
"""

from __future__ import annotations

from torch import Tensor, nn


class Residual(nn.Module):
    """x + branch(norm(x)), or norm(x + branch(x)) as in the original transformer."""

    def __init__(self, width: int, dropout: float, pre_norm: bool = True) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.pre_norm = pre_norm

    def enter(self, x: Tensor) -> Tensor:
        """What the branch reads.  x: [B, T, E] -> [B, T, E]."""
        return self.norm(x) if self.pre_norm else x

    def add(self, x: Tensor, y: Tensor) -> Tensor:
        """The sum of the stream and the branch's output.  x, y: [B, T, E] -> [B, T, E]."""
        total = x + self.dropout(y)
        return total if self.pre_norm else self.norm(total)
