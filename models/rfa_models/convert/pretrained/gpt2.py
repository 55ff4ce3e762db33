"""GPT-2 and its kin: LayerNorm, learned positions, a perceptron with GELU, biases.

Names and settings are those of Hugging Face's files.  Its `Conv1D` keeps weights as [inputs, outputs].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from rfa_models.attention.config import AttentionConfig
from rfa_models.convert.pretrained.architecture import (
    Architecture,
    Row,
    same,
    transpose,
    transposed,
    transposed_back,
)
from rfa_models.convert.pretrained.settings import Table, expect, head_width, real, switch, whole
from rfa_models.errors import ConfigError
from rfa_models.networks.language_model_config import ModelConfig
from rfa_models.networks.settings import Activation
from rfa_models.wording import shown

ACTIVATIONS: dict[str, Activation] = {"gelu_new": "gelu_tanh", "gelu": "gelu", "relu": "relu", "silu": "silu"}
QKV = ("q_proj", "k_proj", "v_proj")


def gpt2_config(table: Table) -> ModelConfig:
    """The settings of a GPT-2.  Raises ConfigError."""
    width = whole(table, "n_embd")
    heads = whole(table, "n_head")
    expect(table, "scale_attn_weights", True)
    expect(table, "scale_attn_by_inverse_layer_idx", False)
    expect(table, "add_cross_attention", False)
    inner = table.get("n_inner")
    return ModelConfig(
        vocab_size=whole(table, "vocab_size"),
        layers=whole(table, "n_layer"),
        mlp_width=4 * width if inner is None else whole(table, "n_inner"),
        activation=activation(table),
        norm_eps=real(table, "layer_norm_epsilon", 1e-5),
        tie_embeddings=switch(table, "tie_word_embeddings", True),
        scaled_embedding=False,
        positions="learned",
        trained_length=whole(table, "n_positions"),
        attention=AttentionConfig(kind="softmax", heads=heads, head_dim=head_width(width, heads)),
    )


def activation(table: Table) -> Activation:
    """The activation between the layers of the perceptron.  Raises ConfigError."""
    name = table.get("activation_function", "gelu_new")
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise ConfigError(f"activation_function is {shown(name)}, wanted one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


def gpt2_table(config: ModelConfig) -> dict[str, Any]:
    """The settings of a GPT-2 as they are in config.json."""
    names = {ours: theirs for theirs, ours in ACTIVATIONS.items()}
    return {
        "architectures": ["GPT2LMHeadModel"],
        "vocab_size": config.vocab_size,
        "n_embd": config.width,
        "n_layer": config.layers,
        "n_head": config.attention.heads,
        "n_inner": config.mlp_width,
        "n_positions": config.trained_length,
        "activation_function": names[config.activation],
        "layer_norm_epsilon": config.norm_eps,
        "tie_word_embeddings": config.tie_embeddings,
        "torch_dtype": "float32",
    }


def gpt2_rows(config: ModelConfig) -> list[Row]:
    """The tensors of a GPT-2."""
    theirs = "h.{}."
    ours = "blocks.{}."
    weights = tuple(f"{ours}attention.{name}.weight" for name in QKV)
    biases = tuple(f"{ours}attention.{name}.bias" for name in QKV)
    rows = [
        same("wte.weight", "embedding.weight"),
        same("wpe.weight", "positions.vectors.weight"),
        Row(theirs + "attn.c_attn.weight", weights, packed_weight, unpacked_weight),
        Row(theirs + "attn.c_attn.bias", biases, packed_bias, unpacked_bias),
        *norm("ln_f", "norm"),
        *norm(theirs + "ln_1", ours + "attention_norm"),
        *norm(theirs + "ln_2", ours + "mlp_norm"),
        *conv1d(theirs + "attn.c_proj", ours + "attention.out_proj"),
        *conv1d(theirs + "mlp.c_fc", ours + "mlp.0"),
        *conv1d(theirs + "mlp.c_proj", ours + "mlp.2"),
    ]
    if not config.tie_embeddings:
        rows.append(same("lm_head.weight", "head.weight"))
    return rows


def norm(theirs: str, ours: str) -> list[Row]:
    """The rows of a LayerNorm."""
    return [same(f"{theirs}.weight", f"{ours}.weight"), same(f"{theirs}.bias", f"{ours}.bias")]


def conv1d(theirs: str, ours: str) -> list[Row]:
    """The rows of a Conv1D."""
    weight = Row(f"{theirs}.weight", (f"{ours}.weight",), transposed, transposed_back)
    return [weight, same(f"{theirs}.bias", f"{ours}.bias")]


def packed_weight(tensor: Tensor, config: ModelConfig) -> Sequence[Tensor]:
    """Queries, keys and values from one Conv1D.  [E, 3 E] -> three [E, E]."""
    return [part.contiguous() for part in transpose(tensor).chunk(3, dim=0)]


def unpacked_weight(parts: Sequence[Tensor]) -> Tensor:
    """What undoes `packed_weight`.  three [E, E] -> [E, 3 E]."""
    return transpose(torch.cat(tuple(parts)))


def packed_bias(tensor: Tensor, config: ModelConfig) -> Sequence[Tensor]:
    """[3 E] -> three [E]."""
    return [part.contiguous() for part in tensor.chunk(3)]


def unpacked_bias(parts: Sequence[Tensor]) -> Tensor:
    """What undoes `packed_bias`.  three [E] -> [3 E]."""
    return torch.cat(tuple(parts))


GPT2 = Architecture(
    gpt2_config,
    gpt2_rows,
    gpt2_table,
    prefix="transformer.",
    ignored=("attn.bias", "attn.masked_bias"),
)
