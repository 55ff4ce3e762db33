"""Token ids to vectors: an embedding, plus what the model knows of their positions."""

from __future__ import annotations

from torch import Tensor, nn

from rfa_models.attention.rotary import positions_from_zero
from rfa_models.networks.positions import sinusoids
from rfa_models.networks.settings import Positions


def new_embedding(vocab_size: int, width: int) -> nn.Embedding:
    """An embedding [N, E] to begin training with; `embed` scales its vectors to unit variance."""
    embedding = nn.Embedding(vocab_size, width)
    nn.init.normal_(embedding.weight, std=width**-0.5)
    return embedding


def embed(
    embedding: nn.Embedding, input_ids: Tensor, position_ids: Tensor | None, positions: Positions, scaled: bool = True
) -> Tensor:
    """Look up tokens and add their positions, which count from 0 where none are given.

    input_ids, position_ids: int64 [B, T] -> [B, T, E].  scaled: to the size of the sinusoids.
    """
    width = embedding.embedding_dim
    x = embedding(input_ids)
    if scaled:
        x = x * width**0.5
    if positions == "none":
        return x
    if position_ids is None:
        position_ids = positions_from_zero(input_ids)
    return x + sinusoids(position_ids, width, positions).to(x.dtype)


class LearnedPositions(nn.Module):
    """A trained vector for each position.  Beyond the last one there is none, and its own is taken again."""

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.vectors = nn.Embedding(length, width)
        nn.init.normal_(self.vectors.weight, std=width**-0.5)

    def forward(self, input_ids: Tensor, position_ids: Tensor | None) -> Tensor:
        """The vectors of positions, which count from 0 where none are given.  int64 [B, T] -> [B, T, E]."""
        if position_ids is None:
            position_ids = positions_from_zero(input_ids)
        last = self.vectors.num_embeddings - 1
        return self.vectors(position_ids.clamp(max=last))


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
