"""A decoder-only language model: pre-norm blocks of attention and a two-layer perceptron."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from rfa_models.attention.causal import build_attention
from rfa_models.attention.config import ModelConfig
from rfa_models.networks.positions import sinusoids
from rfa_models.networks.residual import perceptron


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.width
        self.attention_norm, self.mlp_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = build_attention(config.attention)
        self.mlp = perceptron(width, config.mlp_width, config.activation)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, keep: Tensor | None, past_state: Any) -> tuple[Tensor, Any]:
        """x: [B, T, E] -> [B, T, E], and the attention's state after the last token."""
        attended, state = self.attention(self.attention_norm(x), keep, past_state)
        x = x + self.dropout(attended)
        return x + self.dropout(self.mlp(self.mlp_norm(x))), state


class LanguageModel(nn.Module):
    """Next-token prediction over `config.vocab_size` tokens, for text of any length."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.width)
        nn.init.normal_(self.embedding.weight, std=config.width**-0.5)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, config.vocab_size, bias=False)
        if config.tie_embeddings:
            self.head.weight = self.embedding.weight

    def forward(self, input_ids: Tensor, position_ids: Tensor | None = None, keep: Tensor | None = None) -> Tensor:
        """Logits of every next token.  input_ids, position_ids: int64 [B, T], keep: [B, T] -> [B, T, N].

        Positions count from 0 where none are given.
        """
        return self.step(input_ids, position_ids, keep)[0]

    def step(
        self,
        input_ids: Tensor,
        position_ids: Tensor | None = None,
        keep: Tensor | None = None,
        past_states: list[Any] | None = None,
    ) -> tuple[Tensor, list[Any]]:
        """As forward, carrying one state per layer from call to call: prefill and decode in torch."""
        x = self.embedding(input_ids) * self.config.width**0.5  # as large as the sinusoids
        if self.config.positions != "none":
            if position_ids is None:
                position_ids = torch.arange(input_ids.shape[1], device=input_ids.device).expand_as(input_ids)
            x = x + sinusoids(position_ids, self.config.width, self.config.positions).to(x.dtype)
        x, states = self.dropout(x), []
        for index, block in enumerate(self.blocks):
            x, state = block(x, keep, None if past_states is None else past_states[index])
            states.append(state)
        return self.head(self.norm(x)), states
