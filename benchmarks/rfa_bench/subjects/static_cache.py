"""A softmax language model whose keys and values lie in buffers of a fixed size: what torch.compile needs.

A step computes over the whole buffer, and a mask leaves out what has not been written yet.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F

from rfa_models.networks.language_model import Block, LanguageModel

Cache = tuple[Tensor, Tensor]
"""Keys and values, [B, H, room, d]."""


class StaticCacheModel:
    """Steps of a model with learned weights of its own, its cache outside."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self._heads = model.config.attention.heads

    def new_caches(self, batch: int, room: int) -> list[Cache]:
        """Empty caches of all layers.  room: how many tokens a text may have."""
        attention = self._model.config.attention
        shape = (batch, attention.heads, room, attention.head_dim)
        return [(torch.zeros(shape), torch.zeros(shape)) for _ in self._model.blocks]

    def step(self, ids: Tensor, positions: Tensor, caches: list[Cache]) -> Tensor:
        """Read tokens and write into the caches, in place.

        ids: int64 [B, T].  positions: int64 [T], where these tokens lie.  Returns the last token's logits, [B, N].
        """
        model = self._model
        x = model.embed(ids, positions.expand(len(ids), -1))
        for each, cache in zip(model.blocks, caches, strict=True):
            block = cast(Block, each)
            x = x + self._attend(block, block.attention_norm(x), positions, cache)
            x = x + block.mlp(block.mlp_norm(x))
        logits: Tensor = model.head(model.norm(x[:, -1]))
        return logits

    def _attend(self, block: Block, x: Tensor, positions: Tensor, cache: Cache) -> Tensor:
        """x: [B, T, E] -> [B, T, E]."""
        attention = block.attention
        q = self._by_head(attention.q_proj(x))
        k = self._by_head(attention.k_proj(x))
        v = self._by_head(attention.v_proj(x))
        keys, values = cache
        keys.index_copy_(2, positions, k)
        values.index_copy_(2, positions, v)
        written = torch.arange(keys.shape[2])[None, :] <= positions[:, None]
        found = F.scaled_dot_product_attention(q, keys, values, attn_mask=written)
        return cast(Tensor, attention.out_proj(found.transpose(1, 2).flatten(2)))

    def _by_head(self, packed: Tensor) -> Tensor:
        """[B, T, H d] -> [B, H, T, d]."""
        return packed.unflatten(-1, (self._heads, -1)).transpose(1, 2)
