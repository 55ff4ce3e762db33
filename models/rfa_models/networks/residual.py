"""One branch of a transformer's layer: normalized before or after, dropped out, added to what came in."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


class Residual(nn.Module):
    """x + branch(norm(x)), or norm(x + branch(x)) as in the original transformer."""

    def __init__(self, width: int, dropout: float, pre_norm: bool = True) -> None:
        super().__init__()
        self.norm, self.dropout, self.pre_norm = nn.LayerNorm(width), nn.Dropout(dropout), pre_norm

    def forward(self, x: Tensor, branch: Callable[[Tensor], Tensor]) -> Tensor:
        """x: [B, T, E] -> [B, T, E]."""
        if self.pre_norm:
            return x + self.dropout(branch(self.norm(x)))
        return self.norm(x + self.dropout(branch(x)))


def perceptron(width: int, hidden: int, activation: str = "gelu") -> nn.Sequential:
    """The two-layer perceptron of a transformer's layer."""
    return nn.Sequential(
        nn.Linear(width, hidden), nn.GELU() if activation == "gelu" else nn.ReLU(), nn.Linear(hidden, width)
    )
