"""GPT-Neo: a GPT-2 whose scores are not scaled, and where every other layer reads the last tokens alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from rfa_models.attention.config import AttentionConfig
from rfa_models.convert.pretrained.architecture import Architecture, Row, same
from rfa_models.convert.pretrained.gpt2 import activation, norm
from rfa_models.convert.pretrained.llama import linear
from rfa_models.convert.pretrained.settings import Table, head_width, real, switch, whole
from rfa_models.errors import ConfigError
from rfa_models.networks.language_model_config import ModelConfig
from rfa_models.wording import shown


def gpt_neo_config(table: Table) -> ModelConfig:
    """The settings of a GPT-Neo.  Raises ConfigError."""
    width = whole(table, "hidden_size")
    heads = whole(table, "num_heads")
    layers = whole(table, "num_layers")
    inner = table.get("intermediate_size")
    everywhere = AttentionConfig(kind="softmax", heads=heads, head_dim=head_width(width, heads), qkv_bias=False)
    near = replace(everywhere, window=whole(table, "window_size", 256))
    return ModelConfig(
        vocab_size=whole(table, "vocab_size"),
        layers=layers,
        mlp_width=4 * width if inner is None else whole(table, "intermediate_size"),
        activation=activation(table),
        norm_eps=real(table, "layer_norm_epsilon", 1e-5),
        tie_embeddings=switch(table, "tie_word_embeddings", True),
        scaled_embedding=False,
        positions="learned",
        trained_length=whole(table, "max_position_embeddings"),
        attention=everywhere,
        layer_attention=tuple(near if kind == "local" else everywhere for kind in kinds(table, layers)),
    )


def kinds(table: Table, layers: int) -> list[str]:
    """Whether each layer reads all tokens, `global`, or the last alone, `local`.  Raises ConfigError."""
    given = table.get("attention_types", [[["global", "local"], layers // 2]])
    found: list[str] = []
    refused = ConfigError(f"attention_types is {shown(given)}, wanted {layers} times global or local")
    try:
        for names, times in given:
            if type(times) is not int or not 0 <= times <= layers:
                raise refused
            found += list(names) * times
    except (TypeError, ValueError) as error:
        raise refused from error
    if len(found) != layers or not all(kind in ("global", "local") for kind in found):
        raise refused
    return found


def gpt_neo_rows(config: ModelConfig) -> list[Row]:
    """The tensors of a GPT-Neo."""
    theirs = "h.{}."
    ours = "blocks.{}."
    attention = theirs + "attn.attention."
    rows = [
        same("wte.weight", "embedding.weight"),
        same("wpe.weight", "positions.vectors.weight"),
        Row(attention + "q_proj.weight", (ours + "attention.q_proj.weight",), unscaled),
        *linear(attention + "k_proj", ours + "attention.k_proj", bias=False),
        *linear(attention + "v_proj", ours + "attention.v_proj", bias=False),
        *linear(attention + "out_proj", ours + "attention.out_proj", bias=True),
        *norm("ln_f", "norm"),
        *norm(theirs + "ln_1", ours + "attention_norm"),
        *norm(theirs + "ln_2", ours + "mlp_norm"),
        *linear(theirs + "mlp.c_fc", ours + "mlp.0", bias=True),
        *linear(theirs + "mlp.c_proj", ours + "mlp.2", bias=True),
    ]
    if not config.tie_embeddings:
        rows.append(same("lm_head.weight", "head.weight"))
    return rows


def unscaled(tensor: Tensor, config: ModelConfig) -> Sequence[Tensor]:
    """Queries that make up for the factor 1 / sqrt(d) of our scores, which theirs have not."""
    return [tensor * config.attention.head_dim**0.5]


GPT_NEO = Architecture(
    gpt_neo_config,
    gpt_neo_rows,
    prefix="transformer.",
    ignored=("attn.attention.bias", "attn.attention.masked_bias"),
)
