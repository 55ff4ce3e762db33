"""An encoder-decoder: the source is read once, then target tokens follow one another at a constant cost."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from rfa_models.attention.causal import build_attention
from rfa_models.attention.cross import Memory, build_cross_attention
from rfa_models.attention.encoder import build_encoder_attention
from rfa_models.networks.embedding import TokenEmbedding
from rfa_models.networks.residual import Residual, perceptron
from rfa_models.networks.translator_config import TranslatorConfig


class EncoderLayer(nn.Module):
    """Attention to the whole source, then a perceptron."""

    def __init__(self, config: TranslatorConfig) -> None:
        super().__init__()
        self.attention = build_encoder_attention(config.encoder_attention)
        self.mlp = perceptron(config.width, config.mlp_width, config.activation)
        self.attention_sum, self.mlp_sum = (
            Residual(config.width, config.dropout, config.norm == "pre") for _ in range(2)
        )

    def forward(self, x: Tensor, keep: Tensor | None) -> Tensor:
        """x: [B, M, E], keep: [B, M] -> [B, M, E]."""
        x = self.attention_sum(x, lambda y: self.attention(y, keep))
        return self.mlp_sum(x, self.mlp)


class DecoderLayer(nn.Module):
    """Attention to the target so far, to the source, then a perceptron."""

    def __init__(self, config: TranslatorConfig) -> None:
        super().__init__()
        self.attention = build_attention(config.causal_attention)
        self.cross_attention = build_cross_attention(config.cross_attention)
        self.mlp = perceptron(config.width, config.mlp_width, config.activation)
        self.attention_sum, self.cross_sum, self.mlp_sum = (
            Residual(config.width, config.dropout, config.norm == "pre") for _ in range(3)
        )

    def remember(self, source: Tensor, keep: Tensor | None) -> Memory:
        """What the layer keeps of a source.  source: [B, M, E]."""
        return self.cross_attention.remember(source, keep)

    def forward(
        self, x: Tensor, keep: Tensor | None, past_state: Any, memory: Memory, source_keep: Tensor | None
    ) -> tuple[Tensor, Any]:
        """x: [B, T, E] -> [B, T, E], and the causal attention's state after the last token."""
        states = []

        def attend(y: Tensor) -> Tensor:
            output, state = self.attention(y, keep, past_state)
            states.append(state)
            return output

        x = self.attention_sum(x, attend)
        x = self.cross_sum(x, lambda y: self.cross_attention(y, memory, source_keep))
        return self.mlp_sum(x, self.mlp), states[0]


class Translator(nn.Module):
    """Next-token prediction over a target, given a source, both in one vocabulary."""

    def __init__(self, config: TranslatorConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = TokenEmbedding(config.vocab_size, config.width, config.positions, config.dropout)
        self.encoder: Any = nn.ModuleList(EncoderLayer(config) for _ in range(config.encoder_layers))
        self.decoder: Any = nn.ModuleList(DecoderLayer(config) for _ in range(config.decoder_layers))
        pre_norm = config.norm == "pre"
        self.encoder_norm = nn.LayerNorm(config.width) if pre_norm else nn.Identity()
        self.decoder_norm = nn.LayerNorm(config.width) if pre_norm else nn.Identity()
        self.head = nn.Linear(config.width, config.vocab_size, bias=False)
        if config.tie_embeddings:
            self.head.weight = self.embedding.tokens.weight

    def encode(self, input_ids: Tensor, position_ids: Tensor | None = None, keep: Tensor | None = None) -> list[Memory]:
        """Read sources.  input_ids, position_ids, keep: [B, M].  Returns what each decoder layer remembers."""
        x = self.embedding(input_ids, position_ids)
        for layer in self.encoder:
            x = layer(x, keep)
        x = self.encoder_norm(x)
        return [layer.remember(x, keep) for layer in self.decoder]

    def forward(
        self,
        source_ids: Tensor,
        target_ids: Tensor,
        source_keep: Tensor | None = None,
        target_keep: Tensor | None = None,
    ) -> Tensor:
        """Logits of every next target token.  source_ids: int64 [B, M], target_ids: [B, T] -> [B, T, N].

        A target begins with the start token.  Masks are 1 for tokens, 0 for padding.
        """
        memories = self.encode(source_ids, None, source_keep)
        return self.step(target_ids, memories, None, source_keep, target_keep)[0]

    def step(
        self,
        input_ids: Tensor,
        memories: list[Memory],
        position_ids: Tensor | None = None,
        source_keep: Tensor | None = None,
        keep: Tensor | None = None,
        past_states: list[Any] | None = None,
    ) -> tuple[Tensor, list[Any]]:
        """Logits after target tokens, carrying one state per layer from call to call.  input_ids: [B, T]."""
        x, states = self.embedding(input_ids, position_ids), []
        for index, (layer, memory) in enumerate(zip(self.decoder, memories, strict=True)):
            past_state = None if past_states is None else past_states[index]
            x, state = layer(x, keep, past_state, memory, source_keep)
            states.append(state)
        return self.head(self.decoder_norm(x)), states
