"""A decoder-only language model: pre-norm blocks of attention and a two-layer perceptron."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from rfa_models.attention.causal import build_attention
from rfa_models.networks.embedding import embed, new_embedding
from rfa_models.networks.language_model_config import ModelConfig
from rfa_models.networks.residual import perceptron


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.width
        self.attention_norm = nn.LayerNorm(width)
        self.mlp_norm = nn.LayerNorm(width)
        self.attention = build_attention(config.attention)
        self.mlp = perceptron(width, config.mlp_width, config.activation)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, keep: Tensor | None, past_state: Any) -> tuple[Tensor, Any]:
        """Go through the block.  x: [B, T, E] -> [B, T, E], and the attention's state after the last token."""
        attended, state = self.attention(self.attention_norm(x), keep, past_state)
        x = x + self.dropout(attended)
        x = x + self.dropout(self.mlp(self.mlp_norm(x)))
        return x, state


class LanguageModel(nn.Module):
    """Next-token prediction over `config.vocab_size` tokens, for text of any length."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = new_embedding(config.vocab_size, config.width)
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
        logits, _ = self.step(input_ids, position_ids, keep)
        return logits

    def step(
        self,
        input_ids: Tensor,
        position_ids: Tensor | None = None,
        keep: Tensor | None = None,
        past_states: list[Any] | None = None,
    ) -> tuple[Tensor, list[Any]]:
        """Logits of every next token, and the states to go on from: prefill and decode in torch.

        Shapes as in `forward`.  past_states: one for each block, as this method returned them.
        """
        if past_states is None:
            past_states = [None] * len(self.blocks)
        x = self.dropout(embed(self.embedding, input_ids, position_ids, self.config.positions))
        states = []
        for block, past_state in zip(self.blocks, past_states, strict=True):
            x, state = block(x, keep, past_state)
            states.append(state)
        return self.head(self.norm(x)), states
