"""A text of any length to the name of its class, in time and memory linear in its length."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rfa_models.attention.encoder import build_encoder_attention
from rfa_models.networks.classifier_config import ClassifierConfig
from rfa_models.networks.embedding import TokenEmbedding
from rfa_models.networks.perceptron import perceptron
from rfa_models.networks.residual import Residual


class ClassifierLayer(nn.Module):
    """Attention to the whole text, then a perceptron."""

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        self.attention = build_encoder_attention(config.attention)
        self.mlp = perceptron(config.width, config.mlp_width)
        self.attention_sum = Residual(config.width, config.dropout)
        self.mlp_sum = Residual(config.width, config.dropout)

    def forward(self, x: Tensor, keep: Tensor | None) -> Tensor:
        """Go through the layer.  x: [B, T, E], keep: [B, T] -> [B, T, E]."""
        attended = self.attention(self.attention_sum.enter(x), keep)
        x = self.attention_sum.add(x, attended)
        return self.mlp_sum.add(x, self.mlp(self.mlp_sum.enter(x)))


class Classifier(nn.Module):
    """Logits of `config.labels` for texts, or for pairs of texts."""

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = TokenEmbedding(config.vocab_size, config.width, config.positions, config.dropout)
        self.layers = nn.ModuleList(ClassifierLayer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        seen = 4 * config.width if config.pairs else config.width
        to_hidden = nn.Linear(seen, config.mlp_width)
        to_classes = nn.Linear(config.mlp_width, len(config.labels))
        self.head = nn.Sequential(to_hidden, nn.GELU(), to_classes)

    def forward(
        self,
        input_ids: Tensor,
        position_ids: Tensor | None = None,
        keep: Tensor | None = None,
        pair_input_ids: Tensor | None = None,
        pair_position_ids: Tensor | None = None,
        pair_keep: Tensor | None = None,
    ) -> Tensor:
        """Logits of the classes.  input_ids, position_ids: int64 [B, T], keep: [B, T] -> [B, C].

        A model of pairs reads the second text from pair_*, which may have another length.
        """
        summary = self.pool(input_ids, position_ids, keep)
        if pair_input_ids is not None:
            other = self.pool(pair_input_ids, pair_position_ids, pair_keep)
            summary = torch.cat([summary, other, summary * other, summary - other], -1)
        return self.head(summary)

    def pool(self, input_ids: Tensor, position_ids: Tensor | None, keep: Tensor | None) -> Tensor:
        """One vector for each text.  input_ids, position_ids: int64 [B, T], keep: [B, T] -> [B, E]."""
        x = self.embedding(input_ids, position_ids)
        for layer in self.layers:
            x = layer(x, keep)
        x = self.norm(x)
        if self.config.pooling == "first":
            return x[:, 0]
        if keep is None:
            return x.mean(1)
        weight = keep.unsqueeze(-1).to(x.dtype)
        return (x * weight).sum(1) / weight.sum(1)
