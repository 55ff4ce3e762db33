"""A softmax translator of a shape for CTranslate2, its weights random.

d width, M width of the MLP, P positions, V vocabulary
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from rfa_export.errors import TargetError
from rfa_models.networks.translator_config import TranslatorConfig

try:
    from ctranslate2 import specs
except ImportError:
    specs = None

UNKNOWN, BEGIN, END = "<unk>", "<s>", "</s>"
"""The tokens that the library looks for."""
POSITIONS = 4096
"""That the table of positions has."""
SCALE = 0.02
"""Of the weights."""


def write_ctranslate2(config: TranslatorConfig, folder: Path) -> Path:
    """Write the library's folder, unless it is there.  Returns it.

    Raises TargetError where the package is missing that writes it.
    """
    if folder.exists():
        return folder
    if specs is None:
        raise TargetError("models for CTranslate2 are written by its package: pip install ctranslate2")
    heads = config.encoder_attention.heads
    layers = (config.encoder_layers, config.decoder_layers)
    activation = specs.Activation.GELU if config.activation == "gelu" else specs.Activation.RELU
    spec = specs.TransformerSpec.from_config(layers, heads, pre_norm=config.norm == "pre", activation=activation)
    Weights(config).fill(spec)
    names = vocabulary(config.vocab_size)
    spec.register_source_vocabulary(names)
    spec.register_target_vocabulary(names)
    spec.validate()
    spec.optimize()
    beside = folder.with_name(folder.name + ".part")
    beside.mkdir(parents=True, exist_ok=True)
    spec.save(str(beside))
    os.replace(beside, folder)
    return folder


def vocabulary(size: int) -> list[str]:
    """So many tokens; the name of most is their number."""
    return [UNKNOWN, BEGIN, END, *map(str, range(3, size))]


class Weights:
    """Fills a description of the library with arrays of the right shapes."""

    def __init__(self, config: TranslatorConfig) -> None:
        self.config = config
        self.width = config.encoder_attention.width
        self._draw = np.random.default_rng(0)

    def fill(self, spec: Any) -> None:
        """Fill everything."""
        for part in (spec.encoder, spec.decoder):
            part.position_encodings.encodings = self.matrix(POSITIONS, self.width)
            if self.config.norm == "pre":
                self.norm(part.layer_norm)
            for layer in part.layer:
                self.layer(layer)
        spec.encoder.embeddings[0].weight = self.matrix(self.config.vocab_size, self.width)
        spec.decoder.embeddings.weight = self.matrix(self.config.vocab_size, self.width)
        self.linear(spec.decoder.projection, self.config.vocab_size, self.width)

    def layer(self, layer: Any) -> None:
        """Fill a layer of the encoder, or of the decoder with its look at the source."""
        d = self.width
        self.norm(layer.self_attention.layer_norm)
        self.linear(layer.self_attention.linear[0], 3 * d, d)
        self.linear(layer.self_attention.linear[1], d, d)
        if hasattr(layer, "attention"):
            self.norm(layer.attention.layer_norm)
            self.linear(layer.attention.linear[0], d, d)
            self.linear(layer.attention.linear[1], 2 * d, d)
            self.linear(layer.attention.linear[2], d, d)
        self.norm(layer.ffn.layer_norm)
        self.linear(layer.ffn.linear_0, self.config.mlp_width, d)
        self.linear(layer.ffn.linear_1, d, self.config.mlp_width)

    def linear(self, linear: Any, outputs: int, inputs: int) -> None:
        """Fill a product, and what is added to it."""
        linear.weight = self.matrix(outputs, inputs)
        linear.bias = np.zeros(outputs, np.float32)

    def norm(self, norm: Any) -> None:
        """Fill a normalization, which changes nothing at first."""
        norm.gamma = np.ones(self.width, np.float32)
        norm.beta = np.zeros(self.width, np.float32)

    def matrix(self, *shape: int) -> np.ndarray:
        """Small normal numbers."""
        return SCALE * self._draw.standard_normal(shape, dtype=np.float32)
