"""A Llama's forward pass written out in numpy, from the paper and llama2.c: for one text, token by token."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

Weights = Mapping[str, np.ndarray]
"""By the names of Hugging Face's files."""


def logits(weights: Weights, ids: list[int], heads: int, kv_heads: int, theta: float = 10_000.0) -> np.ndarray:
    """Logits [T, N] in float64.  Channels are turned in pairs half a head apart."""
    embedding = weights["model.embed_tokens.weight"].astype(np.float64)
    layers = len([name for name in weights if name.endswith("input_layernorm.weight")])
    head_dim = embedding.shape[1] // heads
    past: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in range(layers)]
    rows = []
    for position, token in enumerate(ids):
        x = embedding[token]
        for layer in range(layers):
            prefix = f"model.layers.{layer}."
            own = {
                name.removeprefix(prefix): array.astype(np.float64)
                for name, array in weights.items()
                if name.startswith(prefix)
            }
            h = root_mean_square(x, own["input_layernorm.weight"])
            q, k, v = (project(own, f"self_attn.{name}_proj", h).reshape(-1, head_dim) for name in "qkv")
            q = turn(q, position, theta)
            past[layer].append((turn(k, position, theta), v))
            mixed = [attend(q[head], past[layer], head // (heads // kv_heads)) for head in range(heads)]
            x = x + project(own, "self_attn.o_proj", np.concatenate(mixed))
            h = root_mean_square(x, own["post_attention_layernorm.weight"])
            gate = project(own, "mlp.gate_proj", h)
            x = x + project(own, "mlp.down_proj", gate / (1 + np.exp(-gate)) * project(own, "mlp.up_proj", h))
        x = root_mean_square(x, weights["model.norm.weight"].astype(np.float64))
        rows.append(weights.get("lm_head.weight", embedding).astype(np.float64) @ x)
    return np.stack(rows)


def project(own: Weights, name: str, x: np.ndarray) -> np.ndarray:
    """A linear layer with a bias or without."""
    found: np.ndarray = own[f"{name}.weight"] @ x
    bias = own.get(f"{name}.bias")
    return found if bias is None else found + bias


def root_mean_square(x: np.ndarray, weight: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    """RMSNorm."""
    scaled: np.ndarray = x / np.sqrt(np.mean(x * x) + eps) * weight
    return scaled


def turn(x: np.ndarray, position: int, theta: float) -> np.ndarray:
    """Rotary positions.  x: [heads, d]."""
    half = x.shape[1] // 2
    angle = position / theta ** (2 * np.arange(half) / x.shape[1])
    a, b = x[:, :half], x[:, half:]
    return np.concatenate([a * np.cos(angle) - b * np.sin(angle), a * np.sin(angle) + b * np.cos(angle)], axis=1)


def attend(q: np.ndarray, past: list[tuple[np.ndarray, np.ndarray]], group: int) -> np.ndarray:
    """Softmax attention of one head to all tokens so far."""
    keys = np.stack([k[group] for k, _ in past])
    values = np.stack([v[group] for _, v in past])
    scores = keys @ q / np.sqrt(len(q))
    weights = np.exp(scores - scores.max())
    mixed: np.ndarray = weights @ values / weights.sum()
    return mixed
