"""A decoder-only language model: pre-norm blocks of attention and a perceptron."""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor, nn

from rfa_models.attention.causal import CausalAttention, build_attention
from rfa_models.attention.config import AttentionConfig
from rfa_models.networks.embedding import LearnedPositions, embed, new_embedding
from rfa_models.networks.language_model_config import ModelConfig
from rfa_models.networks.norm import build_norm
from rfa_models.networks.perceptron import GatedPerceptron, perceptron


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, config: ModelConfig, attention: AttentionConfig) -> None:
        super().__init__()
        width = config.width
        self.attention_norm = build_norm(config.normalization, width, config.norm_eps)
        self.mlp_norm = build_norm(config.normalization, width, config.norm_eps)
        self.attention = build_attention(attention)
        self.mlp = build_perceptron(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, x: Tensor, keep: Tensor | None, past_state: Any, position_ids: Tensor | None
    ) -> tuple[Tensor, Any]:
        """Go through the block.  x: [B, T, E] -> [B, T, E], and the attention's state after the last token."""
        attended, state = self.attention(self.attention_norm(x), keep, past_state, position_ids)
        x = x + self.dropout(attended)
        x = x + self.dropout(self.mlp(self.mlp_norm(x)))
        return x, state


class LanguageModel(nn.Module):
    """Next-token prediction over `config.vocab_size` tokens, for text of any length."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = new_embedding(config.vocab_size, config.width)
        self.positions: LearnedPositions | None = None
        if config.positions == "learned":
            assert config.trained_length is not None, "ModelConfig has seen to it"
            self.positions = LearnedPositions(config.trained_length, config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config, config.attention_of(layer)) for layer in range(config.layers))
        self.norm = build_norm(config.normalization, config.width, config.norm_eps)
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
        x = self.dropout(self.embed(input_ids, position_ids))
        states = []
        for block, past_state in zip(self.blocks, past_states, strict=True):
            x, state = block(x, keep, past_state, position_ids)
            states.append(state)
        return self.head(self.norm(x)), states

    def attentions(self) -> list[CausalAttention]:
        """The attention of each block, in order."""
        return [cast(Block, block).attention for block in self.blocks]

    def embed(self, input_ids: Tensor, position_ids: Tensor | None) -> Tensor:
        """Vectors of tokens at their positions.  int64 [B, T] -> [B, T, E]."""
        scaled = self.config.scaled_embedding
        if self.config.positions == "learned":
            assert self.positions is not None
            tokens = embed(self.embedding, input_ids, None, "none", scaled)
            return tokens + self.positions(input_ids, position_ids)
        return embed(self.embedding, input_ids, position_ids, self.config.positions, scaled)


def build_perceptron(config: ModelConfig) -> nn.Module:
    """The perceptron that the configuration names.  [B, T, E] -> [B, T, E]."""
    if config.gated_mlp:
        return GatedPerceptron(config.width, config.mlp_width, config.activation, config.mlp_bias)
    return perceptron(config.width, config.mlp_width, config.activation, config.mlp_bias)
