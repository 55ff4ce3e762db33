"""A model for llama.cpp of the shape that we measure, with random weights, as a GGUF file.

Llama's architecture is the one that llama.cpp is made for: rotated positions, RMSNorm, and an MLP of three matrices.
Each of these is 2/3 as wide as our two, so that both models have as many parameters.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rfa_export.errors import TargetError
from rfa_export.precision import Precision
from rfa_models.networks.language_model_config import ModelConfig

gguf: Any
try:
    import gguf
except ImportError:
    gguf = None

ARCHITECTURE = "llama"
KINDS = {
    "fp32": "F32",
    "fp16": "F16",
    "int8": "Q8_0",
    "int4": "Q4_0",
}
"""How the weights of each of our precisions are called there."""
FILE_TYPES = {
    "fp32": "ALL_F32",
    "fp16": "MOSTLY_F16",
    "int8": "MOSTLY_Q8_0",
    "int4": "MOSTLY_Q4_0",
}
SPREAD = 0.02
"""Standard deviation of a weight."""
TRAINED_CONTEXT = 131_072
"""Tokens that the file says the model was trained for: llama.cpp warns beyond them."""
BLOCK = 32
"""Weights that share a scale in its formats: rows are whole blocks."""


def write_gguf(config: ModelConfig, precision: Precision, file: Path) -> Path:
    """Write a model of this shape; one that is there already is used again.  Returns the file.

    Raises TargetError where the package is missing that writes it.
    """
    if file.exists():
        return file
    if gguf is None:
        raise TargetError("models for llama.cpp are written by the package gguf: pip install gguf")
    partial = file.with_suffix(".part")
    writer = gguf.GGUFWriter(partial, ARCHITECTURE)
    write_facts(writer, config, precision)
    write_tokenizer(writer, config.vocab_size)
    write_weights(writer, config, gguf.GGMLQuantizationType[KINDS[precision.name]])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return partial.rename(file)


def gated_width(config: ModelConfig) -> int:
    """How wide an MLP of three matrices is that has as many weights as ours of two, in whole blocks."""
    return round(config.mlp_width * 2 / 3 / BLOCK) * BLOCK


def write_facts(writer: Any, config: ModelConfig, precision: Precision) -> None:
    """Describe the network."""
    attention = config.attention
    writer.add_name("random")
    writer.add_file_type(gguf.LlamaFileType[FILE_TYPES[precision.name]])
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(TRAINED_CONTEXT)
    writer.add_embedding_length(attention.width)
    writer.add_block_count(config.layers)
    writer.add_feed_forward_length(gated_width(config))
    writer.add_head_count(attention.heads)
    writer.add_head_count_kv(attention.heads)
    writer.add_rope_dimension_count(attention.head_dim)
    writer.add_layer_norm_rms_eps(1e-5)


def write_tokenizer(writer: Any, vocab_size: int) -> None:
    """Write a vocabulary in which every token is a word of its own: each can be shown as soon as it is there."""
    words = [f"w{place}" for place in range(vocab_size)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(words)
    writer.add_token_types([gguf.TokenType.NORMAL] * vocab_size)
    writer.add_token_merges(["w 1"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)


def write_weights(writer: Any, config: ModelConfig, kind: Any) -> None:
    """Write random weights.  The head is tied to the embedding, as ours is."""
    rng = np.random.default_rng(0)
    width = config.attention.width
    hidden = gated_width(config)
    shapes = {
        "attn_q": (width, width),
        "attn_k": (width, width),
        "attn_v": (width, width),
        "attn_output": (width, width),
        "ffn_gate": (hidden, width),
        "ffn_up": (hidden, width),
        "ffn_down": (width, hidden),
    }
    add_matrix(writer, "token_embd.weight", (config.vocab_size, width), kind, rng)
    add_norm(writer, "output_norm.weight", width)
    for layer in range(config.layers):
        add_norm(writer, f"blk.{layer}.attn_norm.weight", width)
        add_norm(writer, f"blk.{layer}.ffn_norm.weight", width)
        for name, shape in shapes.items():
            add_matrix(writer, f"blk.{layer}.{name}.weight", shape, kind, rng)


def add_norm(writer: Any, name: str, width: int) -> None:
    """Write the scale of a norm, which stays float32."""
    writer.add_tensor(name, np.ones(width, np.float32))


def add_matrix(
    writer: Any,
    name: str,
    shape: tuple[int, int],
    kind: Any,
    rng: np.random.Generator,
) -> None:
    """Write a random matrix of rows and columns."""
    weight = rng.normal(0, SPREAD, shape).astype(np.float32)
    writer.add_tensor(name, gguf.quantize(weight, kind), raw_dtype=kind)
