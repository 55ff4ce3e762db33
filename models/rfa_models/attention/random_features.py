"""What every RFA layer has: random matrices, the learned sigma, and the features made with them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rfa_models.attention import operators
from rfa_models.attention.config import AttentionConfig
from rfa_models.attention.features import arccos, gaussian, unit
from rfa_models.attention.random_matrices import draw_pool


class RandomFeatures(nn.Module):
    """The parent of RFA layers: w = sigma * w~ / tau, w~ fixed and sigma learned [section 2.2].

    w.x is computed as w~ / tau . (sigma * x): a model then keeps and reads one set of matrices for all its layers.
    """

    random_matrices: Tensor
    """[H, D, d] w~ of evaluation and export, the same in every layer of one config."""

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__()
        self.config = config
        self.sigma = nn.Parameter(torch.ones(config.heads, 1, config.head_dim))
        self.register_buffer("random_matrices", torch.empty(config.heads, config.random_vectors, config.head_dim))
        self.training_matrices: Tensor | None = None
        """[H, D, d] matrices of this training step; None trains on the evaluation set."""
        if not self.random_matrices.is_meta:
            self.random_matrices.copy_(draw_pool(config)[: config.heads])

    def features(self, rows: Tensor) -> Tensor:
        """Features of queries, keys, or both side by side.  [B, T, (2,) H, 1, d] -> [B, T, (2,) H, 1 or 2, D]."""
        w = self.matrices().to(self.sigma.dtype) / self.config.tau
        projected = operators.current().random_projection(unit(rows, self.config) * self.sigma, w)
        return (gaussian if self.config.feature_map == "gaussian" else arccos)(projected)

    def matrices(self) -> Tensor:
        """The w~ in force, [H, D, d]: this step's while training, else the saved evaluation set."""
        if self.training and self.training_matrices is not None:
            return self.training_matrices
        return self.random_matrices
