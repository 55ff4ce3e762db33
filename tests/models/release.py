"""The authors' release as the converter's tests know it: its file, and its equations token by token in float64.

The equations are those of the release where it differs from the paper: features times 0.1, x / (|x| + 1e-3), random
vectors divided by tau, the denominator at least 1 (causal) or its size at least 1 (cross), padded keys zeroed after the
feature map.  The group's program for documents has a floor of 0.1, and keeps the sign in cross attention, too.  Nothing
here is shared with the package.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

Array = np.ndarray
Tensors = dict[str, torch.Tensor]

WIDTH, HEADS, HEAD_DIM, HIDDEN, VOCABULARY, LAYERS = 16, 4, 4, 20, 14, 2
CAUSAL_VECTORS, CROSS_VECTORS, POOL = 120, 150, 9
PROJECT = "decoder.some_module."
START, PADDING, END = 0, 1, 2


def translator_tensors(pre_norm: bool = False, seed: int = 1) -> Tensors:
    """A state dict of two encoder and two decoder layers, one embedding for all."""
    draw = Draw(seed)
    embedding = draw(VOCABULARY, WIDTH)
    tensors = {"encoder.embed_tokens.weight": embedding, "encoder.version": torch.tensor([3.0])}
    tensors |= {f"{side}.embed_positions._float_tensor": torch.zeros(1) for side in ("encoder", "decoder")}
    for n in range(LAYERS):
        tensors |= draw.layer(f"encoder.layers.{n}.", {"self_attn.": "qkvo"}, sigma=False)
        tensors |= draw.layer(f"decoder.layers.{n}.", {"self_attn.": "qkvo", "encoder_attn.": "qo"}, sigma=True)
        tensors |= draw.linears(f"{PROJECT}layers.{n}.", "kv") | {f"{PROJECT}layers.{n}.sigma": draw.sigma()}
    tensors[f"{PROJECT}random_matrices"] = draw.bundles(CROSS_VECTORS).half()
    tensors[f"{PROJECT}random_matrices_eval"] = tensors[f"{PROJECT}random_matrices"][2 : 2 + HEADS].clone()
    tensors |= causal_matrices()
    if pre_norm:
        tensors |= draw.norm("encoder.layer_norm") | draw.norm("decoder.layer_norm")
    return tensors | {"decoder.embed_tokens.weight": embedding, "decoder.output_projection.weight": embedding}


def language_model_tensors(seed: int = 1) -> Tensors:
    """A state dict of a decoder alone, which normalizes before each branch."""
    draw = Draw(seed)
    embedding = draw(VOCABULARY, WIDTH)
    tensors = {"decoder.embed_tokens.weight": embedding, "decoder.version": torch.tensor([3.0])}
    for n in range(LAYERS):
        tensors |= draw.layer(f"decoder.layers.{n}.", {"self_attn.": "qkvo"}, sigma=True)
    tensors |= causal_matrices()
    return tensors | draw.norm("decoder.layer_norm") | {"decoder.output_projection.weight": embedding}


def causal_matrices() -> Tensors:
    """What decoders of the release hold besides their layers, in every file."""
    pool = torch.tensor(matrix_pool()).half()
    return {"decoder.random_matrices": pool, "decoder.random_matrices_eval": pool[:HEADS].clone()}


def without_causal_matrices(tensors: Tensors) -> Tensors:
    """The same of a file that leaves the decoder's random matrices out."""
    return {name: tensor for name, tensor in tensors.items() if name not in causal_matrices()}


def doc_mt_names(tensors: Tensors) -> Tensors:
    """A translator's tensors under the names of the group's program for documents, which wraps its layers."""
    named = {}
    for name, tensor in tensors.items():
        name = name.replace(PROJECT, "encoder.cross_attention_project.")
        name = re.sub(r"^(decoder\.layers\.\d+\.)", r"\1module.", name)
        named[re.sub(r"^(decoder\..*\.(self|encoder)_attn\.)", r"\1module.", name)] = tensor
    return named


def matrix_pool(seed: int = 2) -> Array:
    """What random_matrices/{d}_{D}.npy holds, [P, D, d], in numbers that float16 can hold."""
    return Draw(seed).bundles(CAUSAL_VECTORS).half().float().numpy()


class Draw:
    """Random parameters, large enough that each of them shows in the logits."""

    def __init__(self, seed: int) -> None:
        self.rng = torch.Generator().manual_seed(seed)

    def __call__(self, *shape: int, scale: float = 0.5) -> torch.Tensor:
        return torch.randn(*shape, generator=self.rng) * scale

    def bundles(self, vectors: int) -> torch.Tensor:
        """[P, D, d]: vectors that point almost the same way, so that denominators come on both sides of zero."""
        return self(POOL, 1, HEAD_DIM, scale=1.5) + self(POOL, vectors, HEAD_DIM, scale=0.2)

    def sigma(self) -> torch.Tensor:
        return 1 + self(HEADS, 1, HEAD_DIM, scale=0.3)

    def linear(self, name: str, inputs: int, outputs: int) -> Tensors:
        return {f"{name}.weight": self(outputs, inputs), f"{name}.bias": self(outputs)}

    def linears(self, prefix: str, letters: str) -> Tensors:
        names = {"q": "q_proj", "k": "k_proj", "v": "v_proj", "o": "out_proj"}
        parts = [self.linear(prefix + names[letter], WIDTH, WIDTH) for letter in letters]
        return {name: tensor for part in parts for name, tensor in part.items()}

    def norm(self, name: str) -> Tensors:
        return {f"{name}.weight": 1 + self(WIDTH), f"{name}.bias": self(WIDTH)}

    def layer(self, prefix: str, attentions: dict[str, str], sigma: bool) -> Tensors:
        tensors = self.linear(f"{prefix}fc1", WIDTH, HIDDEN) | self.linear(f"{prefix}fc2", HIDDEN, WIDTH)
        tensors |= self.norm(f"{prefix}final_layer_norm")
        for attention, letters in attentions.items():
            tensors |= self.linears(prefix + attention, letters) | self.norm(f"{prefix}{attention[:-1]}_layer_norm")
        return tensors | ({f"{prefix}self_attn.sigma": self.sigma()} if sigma else {})


@dataclass
class ReleasedModel:
    """The release's evaluation, one token of one row at a time."""

    tensors: Tensors
    pool: Array
    pre_norm: bool = False
    encoder_heads: int = 2
    causal_tau: float = 1.0
    cross_tau: float = 1.0
    activation: str = "relu"
    scale_embedding: bool = True
    has_positions: bool = True
    scale: float = 0.1
    floor: float = 1.0
    cross_sign: bool = False
    """Whether cross attention keeps the denominator's sign, so that a negative one becomes the floor."""
    masked: bool = False
    """Causal attention as the release trains it with `cuda_causal_rfa` off: the denominator's size, at least 0.001."""

    def __post_init__(self) -> None:
        self.p = {name: tensor.double().numpy() for name, tensor in self.tensors.items()}
        self.pool = self.pool.astype(np.float64)
        self.denominators: dict[str, list[float]] = {"causal": [], "cross": []}

    def translate(self, source: list[int], target: list[int], padding: int = 0) -> Array:
        """Logits after each token of one target.  `padding` tokens are put behind the source.  -> [T, N]."""
        keep = [True] * len(source) + [False] * padding
        memory = self.encode([*source, *[PADDING] * padding], keep)
        summaries = [self.summarize(memory, keep, n) for n in range(LAYERS)]
        return self.decode(target, summaries)

    def decode(self, ids: list[int], summaries: list[tuple[Array, Array]] | None = None) -> Array:
        """Logits after each token; the state (S, z) of each layer goes from token to token.  -> [T, N]."""
        features = 2 * CAUSAL_VECTORS
        states = [(np.zeros((HEADS, features, HEAD_DIM)), np.zeros((HEADS, features))) for _ in range(LAYERS)]
        rows = []
        for place, token in enumerate(ids):
            x = self.embed(token, place, "decoder")
            for n in range(LAYERS):
                x = self.branch(x, f"decoder.layers.{n}.self_attn", lambda y, n=n: self.causal_step(y, n, states))
                if summaries is not None:
                    name = f"decoder.layers.{n}.encoder_attn"
                    x = self.branch(x, name, lambda y, n=n: self.cross_step(y, n, summaries[n]))
                x = self.perceptron(x, f"decoder.layers.{n}.")
            x = self.norm(x, "decoder.layer_norm") if self.pre_norm else x
            rows.append(self.p["decoder.output_projection.weight"] @ x)
        return np.array(rows)

    def encode(self, ids: list[int], keep: list[bool]) -> Array:
        """The encoder's output [M, E]: softmax attention."""
        rows = [self.embed(token, place, "encoder") for place, token in enumerate(ids)]
        for n in range(LAYERS):
            name = f"encoder.layers.{n}.self_attn"
            normed = [self.norm(x, f"{name}_layer_norm") if self.pre_norm else x for x in rows]
            attended = self.softmax_attention(np.array(normed), keep, name)
            rows = [x + y for x, y in zip(rows, attended, strict=True)]
            rows = rows if self.pre_norm else [self.norm(x, f"{name}_layer_norm") for x in rows]
            rows = [self.perceptron(x, f"encoder.layers.{n}.") for x in rows]
        return np.array([self.norm(x, "encoder.layer_norm") if self.pre_norm else x for x in rows])

    def softmax_attention(self, x: Array, keep: list[bool], name: str) -> Array:
        q, k, v = (self.linear(x, f"{name}.{part}_proj").reshape(len(x), self.encoder_heads, -1) for part in "qkv")
        scores = np.einsum("thd,shd->hts", q, k) / math.sqrt(q.shape[-1])
        scores = np.where(keep, scores, -np.inf)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        return self.linear(np.einsum("hts,shd->thd", weights, v).reshape(x.shape), f"{name}.out_proj")

    def causal_step(self, x: Array, n: int, states: list[tuple[Array, Array]]) -> Array:
        """S += phi(k) v^T, z += phi(k), out = phi(q) S / max(phi(q).z, floor)."""
        name = f"decoder.layers.{n}.self_attn"
        q, k, v = (self.linear(x, f"{name}.{part}_proj").reshape(HEADS, HEAD_DIM) for part in "qkv")
        w = self.p[f"{name}.sigma"] * self.pool[:HEADS] / self.causal_tau
        phi_q, phi_k = features(q, w, self.scale), features(k, w, self.scale)
        s, z = states[n]
        s, z = s + phi_k[:, :, None] * v[:, None, :], z + phi_k
        states[n] = (s, z)
        den = (phi_q * z).sum(-1)
        self.denominators["causal"] += den.tolist()
        den = np.maximum(np.abs(den), 1e-3) if self.masked else np.maximum(den, self.floor)
        return self.linear((np.einsum("hk,hkd->hd", phi_q, s) / den[:, None]).reshape(WIDTH), f"{name}.out_proj")

    def summarize(self, memory: Array, keep: list[bool], n: int) -> tuple[Array, Array]:
        """S and z of a source."""
        s, z = np.zeros((HEADS, 2 * CROSS_VECTORS, HEAD_DIM)), np.zeros((HEADS, 2 * CROSS_VECTORS))
        for x, is_token in zip(memory, keep, strict=True):
            k, v = (self.linear(x, f"{PROJECT}layers.{n}.{part}_proj").reshape(HEADS, HEAD_DIM) for part in "kv")
            phi_k = features(k, self.cross_vectors(n), self.scale) * is_token
            s, z = s + phi_k[:, :, None] * v[:, None, :], z + phi_k
        return s, z

    def cross_step(self, x: Array, n: int, summary: tuple[Array, Array]) -> Array:
        """out = phi(q) S / max(|phi(q).z|, floor)."""
        name, (s, z) = f"decoder.layers.{n}.encoder_attn", summary
        phi_q = features(self.linear(x, f"{name}.q_proj").reshape(HEADS, HEAD_DIM), self.cross_vectors(n), self.scale)
        den = (phi_q * z).sum(-1)
        self.denominators["cross"] += den.tolist()
        den = np.maximum(den if self.cross_sign else np.abs(den), self.floor)
        return self.linear((np.einsum("hk,hkd->hd", phi_q, s) / den[:, None]).reshape(WIDTH), f"{name}.out_proj")

    def cross_vectors(self, n: int) -> Array:
        return self.p[f"{PROJECT}layers.{n}.sigma"] * self.p[f"{PROJECT}random_matrices_eval"] / self.cross_tau

    def branch(self, x: Array, name: str, function: Callable[[Array], Array]) -> Array:
        if self.pre_norm:
            return x + function(self.norm(x, f"{name}_layer_norm"))
        return self.norm(x + function(x), f"{name}_layer_norm")

    def perceptron(self, x: Array, prefix: str) -> Array:
        def function(y: Array) -> Array:
            return self.linear(self.active(self.linear(y, f"{prefix}fc1")), f"{prefix}fc2")

        if self.pre_norm:
            return x + function(self.norm(x, f"{prefix}final_layer_norm"))
        return self.norm(x + function(x), f"{prefix}final_layer_norm")

    def active(self, x: Array) -> Array:
        if self.activation == "relu":
            return np.maximum(x, 0.0)
        return x * np.array([(1 + math.erf(value / math.sqrt(2))) / 2 for value in x])

    def embed(self, token: int, place: int, side: str) -> Array:
        x = self.p[f"{side}.embed_tokens.weight"][token] * (math.sqrt(WIDTH) if self.scale_embedding else 1.0)
        return x + position(place) if self.has_positions else x

    def linear(self, x: Array, name: str) -> Array:
        return x @ self.p[f"{name}.weight"].T + self.p[f"{name}.bias"]

    def norm(self, x: Array, name: str) -> Array:
        y = (x - x.mean()) / math.sqrt(x.var() + 1e-5)
        return y * self.p[f"{name}.weight"] + self.p[f"{name}.bias"]


def features(x: Array, w: Array, scale: float) -> Array:
    """scale [sin, cos] of projected unit vectors.  x: [H, d], w: [H, D, d] -> [H, 2 D]."""
    x = x / (np.linalg.norm(x, axis=-1, keepdims=True) + 1e-3)
    projected = np.einsum("hkd,hd->hk", w, x)
    return scale * np.concatenate([np.sin(projected), np.cos(projected)], -1)


def position(place: int) -> Array:
    """A row of fairseq's table, which starts at padding + 1 and is made in float32 by torch."""
    half = WIDTH // 2
    frequency = torch.exp(torch.arange(half, dtype=torch.float) * -(math.log(10000) / (half - 1)))
    angle = (torch.arange(100, dtype=torch.float).unsqueeze(1) * frequency.unsqueeze(0))[place + PADDING + 1]
    return torch.cat([torch.sin(angle), torch.cos(angle)]).double().numpy()
