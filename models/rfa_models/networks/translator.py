"""An encoder-decoder: the source is read once, then target tokens follow one another at a constant cost."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from rfa_models.attention.causal import build_attention
from rfa_models.attention.cross import SourceState, build_cross_attention
from rfa_models.attention.encoder import build_encoder_attention
from rfa_models.networks.embedding import TokenEmbedding
from rfa_models.networks.perceptron import perceptron
from rfa_models.networks.residual import Residual
from rfa_models.networks.translator_config import TranslatorConfig


class EncoderLayer(nn.Module):
    """Attention to the whole source, then a perceptron."""

    def __init__(self, config: TranslatorConfig) -> None:
        super().__init__()
        self.attention = build_encoder_attention(config.encoder_attention)
        self.mlp = perceptron(config.width, config.mlp_width, config.activation)
        pre_norm = config.norm == "pre"
        self.attention_sum = Residual(config.width, config.dropout, pre_norm)
        self.mlp_sum = Residual(config.width, config.dropout, pre_norm)

    def forward(self, x: Tensor, keep: Tensor | None) -> Tensor:
        """Go through the layer.  x: [B, M, E], keep: [B, M] -> [B, M, E]."""
        attended = self.attention(self.attention_sum.enter(x), keep)
        x = self.attention_sum.add(x, attended)
        return self.mlp_sum.add(x, self.mlp(self.mlp_sum.enter(x)))


class DecoderLayer(nn.Module):
    """Attention to the target so far, to the source, then a perceptron."""

    def __init__(self, config: TranslatorConfig) -> None:
        super().__init__()
        self.attention = build_attention(config.causal_attention)
        self.cross_attention = build_cross_attention(config.cross_attention)
        self.mlp = perceptron(config.width, config.mlp_width, config.activation)
        pre_norm = config.norm == "pre"
        self.attention_sum = Residual(config.width, config.dropout, pre_norm)
        self.cross_sum = Residual(config.width, config.dropout, pre_norm)
        self.mlp_sum = Residual(config.width, config.dropout, pre_norm)

    def read_source(self, source: Tensor, keep: Tensor | None) -> SourceState:
        """What the layer keeps of a source.  source: [B, M, E], keep: [B, M]."""
        return self.cross_attention.read_source(source, keep)

    def forward(
        self, x: Tensor, keep: Tensor | None, past_state: Any, source: SourceState, source_keep: Tensor | None
    ) -> tuple[Tensor, Any]:
        """Go through the layer.  x: [B, T, E], keep: [B, T], source_keep: [B, M].

        Returns [B, T, E], and the causal attention's state after the last token.
        """
        attended, state = self.attention(self.attention_sum.enter(x), keep, past_state)
        x = self.attention_sum.add(x, attended)
        crossed = self.cross_attention(self.cross_sum.enter(x), source, source_keep)
        x = self.cross_sum.add(x, crossed)
        x = self.mlp_sum.add(x, self.mlp(self.mlp_sum.enter(x)))
        return x, state


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

    def encode(
        self, input_ids: Tensor, position_ids: Tensor | None = None, keep: Tensor | None = None
    ) -> list[SourceState]:
        """Read sources.  input_ids, position_ids, keep: [B, M].  Returns what each decoder layer keeps of them."""
        x = self.embedding(input_ids, position_ids)
        for layer in self.encoder:
            x = layer(x, keep)
        x = self.encoder_norm(x)
        return [layer.read_source(x, keep) for layer in self.decoder]

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
        sources = self.encode(source_ids, None, source_keep)
        logits, _ = self.step(target_ids, sources, None, source_keep, target_keep)
        return logits

    def step(
        self,
        input_ids: Tensor,
        sources: list[SourceState],
        position_ids: Tensor | None = None,
        source_keep: Tensor | None = None,
        keep: Tensor | None = None,
        past_states: list[Any] | None = None,
    ) -> tuple[Tensor, list[Any]]:
        """Logits of every next target token, and the states to go on from.  input_ids: [B, T] -> [B, T, N].

        sources: of `encode`.  past_states: one for each layer of the decoder, as this method returned them.
        """
        if past_states is None:
            past_states = [None] * len(self.decoder)
        x = self.embedding(input_ids, position_ids)
        states = []
        for layer, source, past_state in zip(self.decoder, sources, past_states, strict=True):
            x, state = layer(x, keep, past_state, source, source_keep)
            states.append(state)
        return self.head(self.decoder_norm(x)), states
