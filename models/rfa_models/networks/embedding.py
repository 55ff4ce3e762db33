"""Token ids to vectors: a scaled embedding, plus the sinusoids of the positions where the model has any."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rfa_models.attention.config import Positions
from rfa_models.networks.positions import sinusoids


class TokenEmbedding(nn.Module):
    """The first layer of translators and classifiers."""

    def __init__(self, vocab_size: int, width: int, positions: Positions, dropout: float) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocab_size, width)
        nn.init.normal_(self.tokens.weight, std=width**-0.5)
        self.width, self.positions, self.dropout = width, positions, nn.Dropout(dropout)

    def forward(self, input_ids: Tensor, position_ids: Tensor | None = None) -> Tensor:
        """input_ids, position_ids: int64 [B, T] -> [B, T, E].  Positions count from 0 where none are given."""
        x = self.tokens(input_ids) * self.width**0.5  # as large as the sinusoids
        if self.positions != "none":
            if position_ids is None:
                position_ids = torch.arange(input_ids.shape[1], device=input_ids.device).expand_as(input_ids)
            x = x + sinusoids(position_ids, self.width, self.positions).to(x.dtype)
        return self.dropout(x)
