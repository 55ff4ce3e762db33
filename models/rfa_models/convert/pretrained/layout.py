"""Which architecture of Hugging Face's a model of ours is.

Our own reader decides: a table of config.json is the right one when what is read from it is the model.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from rfa_models.checkpoints.checkpoint import Checkpoint
from rfa_models.convert.pretrained.architecture import Architecture
from rfa_models.convert.pretrained.catalogue import ARCHITECTURES
from rfa_models.errors import ConfigError
from rfa_models.networks.language_model import LanguageModel
from rfa_models.networks.language_model_config import ModelConfig
from rfa_models.wording import shown

OF_TRAINING = ("dropout", "attention", "layer_attention")
"""Settings of a model that are no part of what it computes, or are compared one by one."""
OF_ATTENTION = ("kind", "heads", "head_dim", "groups", "qkv_bias", "out_bias", "rope_theta", "window")
"""What makes one softmax attention another."""


@dataclass(frozen=True)
class Layout:
    """What a model is called there."""

    architecture: Architecture
    table: dict[str, Any]
    """Of config.json."""
    config: ModelConfig
    """What is read from that table."""


def layout_of(checkpoint: Checkpoint) -> Layout:
    """The architecture that computes the same.  Raises ConfigError where there is none."""
    model = checkpoint.model
    if not isinstance(model, LanguageModel):
        raise ConfigError(f"a {checkpoint.task} model has no layout of Hugging Face's, only a language model has")
    config = replace(model.config, trained_length=model.config.trained_length or checkpoint.segment_length or None)
    differing = []
    for name, architecture in ARCHITECTURES.items():
        layout = layout_by(name, architecture, config)
        if layout is None:
            continue
        found = differences(config, layout)
        if not found:
            return layout
        differing.append(f"{name} has " + ", ".join(found))
    least = min(differing, key=len, default="they have one attention in all layers")
    raise ConfigError(f"the model is none that Hugging Face's layout has a name for: {least}")


def layout_by(name: str, architecture: Architecture, config: ModelConfig) -> Layout | None:
    """The nearest model of an architecture; None where it is not written, or lacks a word for a setting."""
    if architecture.table is None:
        return None
    try:
        table = {"model_type": name, **architecture.table(config)}
        return Layout(architecture, table, architecture.config(table))
    except (ConfigError, KeyError):
        return None


def differences(config: ModelConfig, layout: Layout) -> list[str]:
    """What a layout has in place of a model's settings, in words."""
    wanted = comparable(config)
    found = comparable(layout.config)
    return [
        f"{name} = {shown(found[name])} in place of {shown(value)}"
        for name, value in wanted.items()
        if found[name] != value
    ]


def comparable(config: ModelConfig) -> dict[str, Any]:
    """What a model computes, as plain values by their names."""
    table = {item.name: getattr(config, item.name) for item in fields(config) if item.name not in OF_TRAINING}
    layers = [config.attention_of(layer) for layer in range(config.layers)]
    for name in OF_ATTENTION:
        values = [getattr(attention, name) for attention in layers]
        equal = all(value == values[0] for value in values)
        table[f"attention.{name}"] = values[0] if equal else values
    return table
