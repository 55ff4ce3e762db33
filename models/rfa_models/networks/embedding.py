"""Token ids to vectors: a scaled embedding, plus the sinusoids of the positions where the model has any."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rfa_models.networks.positions import sinusoids
from rfa_models.networks.settings import Positions


def new_embedding(vocab_size: int, width: int) -> nn.Embedding:
    """An embedding [N, E] to begin training with; `embed` scales its vectors to unit variance."""
    embedding = nn.Embedding(vocab_size, width)
    nn.init.normal_(embedding.weight, std=width**-0.5)
    return embedding


def embed(embedding: nn.Embedding, input_ids: Tensor, position_ids: Tensor | None, positions: Positions) -> Tensor:
    """Look up tokens and add their positions, which count from 0 where none are given.

    input_ids, position_ids: int64 [B, T] -> [B, T, E].
    """
    width = embedding.embedding_dim
    x = embedding(input_ids) * width**0.5  # as large as the sinusoids
    if positions == "none":
        return x
    if position_ids is None:
        position_ids = torch.arange(input_ids.shape[1], device=input_ids.device).expand_as(input_ids)
    return x + sinusoids(position_ids, width, positions).to(x.dtype)


class TokenEmbedding(nn.Module):
    """The first layer of translators and classifiers."""

    def __init__(self, vocab_size: int, width: int, positions: Positions, dropout: float) -> None:
        super().__init__()
        self.tokens = new_embedding(vocab_size, width)
        self.positions = positions
        self.dropout = nn.Dropout(dropout)

    def forward(self, input_ids: Tensor, position_ids: Tensor | None = None) -> Tensor:
        """Vectors of tokens at their positions.  input_ids, position_ids: int64 [B, T] -> [B, T, E]."""
        return self.dropout(embed(self.tokens, input_ids, position_ids, self.positions))
