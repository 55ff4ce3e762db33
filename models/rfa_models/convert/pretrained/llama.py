"""Llama and its kin: RMSNorm, rotary positions, a gated perceptron, heads of queries that share keys and values.

Names and settings are those of Hugging Face's files.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rfa_models.attention.config import AttentionConfig
from rfa_models.convert.pretrained.architecture import Architecture, Row, same
from rfa_models.convert.pretrained.settings import Table, expect, head_width, real, switch, whole
from rfa_models.errors import ConfigError
from rfa_models.networks.language_model_config import ModelConfig
from rfa_models.wording import shown

THETA = 10_000.0
LONGEST = 2048
"""Tokens that a Llama was trained with, where its file says nothing."""


def llama_config(table: Table) -> ModelConfig:
    """The settings of a Llama, or of a Mistral, whose layers may read the last tokens alone.  Raises ConfigError."""
    config = config_of(table, qkv_bias=switch(table, "attention_bias", False))
    if table.get("sliding_window") is None:
        return config
    return replace(config, attention=replace(config.attention, window=whole(table, "sliding_window")))


def qwen2_config(table: Table) -> ModelConfig:
    """The settings of a Qwen2: a Llama whose queries, keys and values have biases."""
    expect(table, "use_sliding_window", False)
    return config_of(table, qkv_bias=True)


def config_of(table: Table, qkv_bias: bool) -> ModelConfig:
    """What these models have in common.  Raises ConfigError for what would change the arithmetic."""
    width = whole(table, "hidden_size")
    heads = whole(table, "num_attention_heads")
    expect(table, "hidden_act", "silu")
    expect(table, "head_dim", head_width(width, heads))
    expect(table, "rope_dimension_count", head_width(width, heads))
    attention = AttentionConfig(
        kind="softmax",
        heads=heads,
        head_dim=head_width(width, heads),
        kv_heads=whole(table, "num_key_value_heads", heads),
        qkv_bias=qkv_bias,
        out_bias=switch(table, "attention_bias", False),
        rope_theta=theta(table),
    )
    return ModelConfig(
        vocab_size=whole(table, "vocab_size"),
        layers=whole(table, "num_hidden_layers"),
        mlp_width=whole(table, "intermediate_size"),
        activation="silu",
        gated_mlp=True,
        mlp_bias=switch(table, "mlp_bias", False),
        normalization="rms",
        norm_eps=real(table, "rms_norm_eps", 1e-6),
        tie_embeddings=switch(table, "tie_word_embeddings", False),
        scaled_embedding=False,
        positions="none",
        trained_length=whole(table, "max_position_embeddings", LONGEST),
        attention=attention,
    )


def llama_table(config: ModelConfig) -> dict[str, Any]:
    """The settings of a Llama as they are in config.json."""
    return common_table(config) | {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": config.attention.out_bias,
        "mlp_bias": config.mlp_bias,
    }


def mistral_table(config: ModelConfig) -> dict[str, Any]:
    """The settings of a Mistral."""
    window = config.attention.window
    return common_table(config) | {"architectures": ["MistralForCausalLM"], "sliding_window": window or None}


def qwen2_table(config: ModelConfig) -> dict[str, Any]:
    """The settings of a Qwen2."""
    return common_table(config) | {"architectures": ["Qwen2ForCausalLM"], "use_sliding_window": False}


def common_table(config: ModelConfig) -> dict[str, Any]:
    """What the settings of all these have in common."""
    attention = config.attention
    return {
        "vocab_size": config.vocab_size,
        "hidden_size": config.width,
        "intermediate_size": config.mlp_width,
        "num_hidden_layers": config.layers,
        "num_attention_heads": attention.heads,
        "num_key_value_heads": attention.groups,
        "max_position_embeddings": config.trained_length,
        "rope_theta": attention.rope_theta,
        "rms_norm_eps": config.norm_eps,
        "hidden_act": "silu",
        "tie_word_embeddings": config.tie_embeddings,
        "torch_dtype": "float32",
    }


def theta(table: Table) -> float:
    """The base of the angles.  Raises ConfigError for angles that are scaled."""
    rope = table.get("rope_parameters") or table.get("rope_scaling") or {}
    if not isinstance(rope, dict):
        raise ConfigError(f"rope_scaling is {shown(rope)}, wanted a table or none")
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind != "default":
        raise ConfigError(f"rope_type is {shown(kind)}, wanted default: models with scaled angles are not read yet")
    return real(rope, "rope_theta", real(table, "rope_theta", THETA))


def llama_rows(config: ModelConfig) -> list[Row]:
    """The tensors of a Llama."""
    theirs = "model.layers.{}."
    ours = "blocks.{}."
    rows = [
        same("model.embed_tokens.weight", "embedding.weight"),
        same(theirs + "input_layernorm.weight", ours + "attention_norm.weight"),
        same(theirs + "post_attention_layernorm.weight", ours + "mlp_norm.weight"),
        same("model.norm.weight", "norm.weight"),
    ]
    for name in ("q_proj", "k_proj", "v_proj"):
        rows += linear(theirs + f"self_attn.{name}", ours + f"attention.{name}", config.attention.qkv_bias)
    rows += linear(theirs + "self_attn.o_proj", ours + "attention.out_proj", config.attention.out_bias)
    for name in ("gate_proj", "up_proj", "down_proj"):
        rows += linear(theirs + f"mlp.{name}", ours + f"mlp.{name}", config.mlp_bias)
    if not config.tie_embeddings:
        rows.append(same("lm_head.weight", "head.weight"))
    return rows


def linear(theirs: str, ours: str, bias: bool) -> list[Row]:
    """The rows of a linear layer."""
    rows = [same(f"{theirs}.weight", f"{ours}.weight")]
    if bias:
        rows.append(same(f"{theirs}.bias", f"{ours}.bias"))
    return rows


ANGLES = ("rotary_emb.inv_freq",)
LLAMA = Architecture(llama_config, llama_rows, llama_table, ignored=ANGLES)
MISTRAL = Architecture(llama_config, llama_rows, mistral_table, ignored=ANGLES)
QWEN2 = Architecture(qwen2_config, llama_rows, qwen2_table, ignored=ANGLES)
