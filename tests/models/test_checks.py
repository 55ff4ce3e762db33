"""Settings: no nan, no infinity, nothing that arithmetic cannot bear, each refused by its name."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

import pytest

from rfa_models.attention.config import AttentionConfig
from rfa_models.errors import ConfigError
from rfa_models.networks.language_model_config import ModelConfig
from rfa_models.recipes.recipe import TokenizerConfig, TrainConfig

CONFIGS = {
    "attention": AttentionConfig(),
    "model": ModelConfig(vocab_size=256),
    "tokenizer": TokenizerConfig(),
    "train": TrainConfig(),
}
NUMBERS = [
    pytest.param(type(config), field.name, id=f"{name}.{field.name}")
    for name, config in CONFIGS.items()
    for field in fields(config)
    if type(getattr(config, field.name)) in (int, float) or field.name == "feature_scale"
]
ABSURD = [math.nan, math.inf, -math.inf, 10**30, 10**400, -(10**30), 1e300, True, "1"]


def build(config: type, **settings: object) -> object:
    return config(**({"vocab_size": 256} if config is ModelConfig else {}) | settings)


@pytest.mark.parametrize(("config", "name"), NUMBERS)
@pytest.mark.parametrize("value", ABSURD, ids=lambda value: str(value)[:6])
def test_no_number_may_be_absurd(config: type, name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"^{name} is ") as error:
        build(config, **{name: value})
    assert len(str(error.value)) < 200


def test_every_number_was_looked_at() -> None:
    assert len(NUMBERS) > 25


@pytest.mark.parametrize(
    ("config", "name", "values"),
    [
        (AttentionConfig, "feature_scale", [None, 0.1, 1]),
        (AttentionConfig, "gate_bias", [-1000.0, 0, 1000.0]),
        (AttentionConfig, "seed", [-1, 0, 2**31]),
        (AttentionConfig, "unit_norm_eps", [1e-12, 1e-3]),
        (ModelConfig, "dropout", [0, 0.5]),
        (ModelConfig, "vocab_size", [1, 262_144]),
        (TrainConfig, "warmup_steps", [0, 10]),
        (TrainConfig, "final_learning_rate", [0, 1e-9]),
        (TrainConfig, "weight_decay", [0.0, 1]),
        (TrainConfig, "beta2", [0.0, 0.999]),
    ],
)
def test_what_can_work_is_allowed(config: type, name: str, values: list[Any]) -> None:
    for value in values:
        assert getattr(build(config, **{name: value}), name) == value


def test_heads_of_a_size_may_be_too_wide_together() -> None:
    with pytest.raises(ConfigError, match="heads x head_dim is 268,435,456, wanted at most 1,048,576"):
        AttentionConfig(heads=2**14, head_dim=2**14, pool_size=2**14)
