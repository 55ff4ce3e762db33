"""A recipe: everything that makes a model, in one TOML file.  Examples lie in `models/recipes/`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rfa_models.checks import (
    LARGEST_COUNT,
    LARGEST_NUMBER,
    LARGEST_SEED,
    LARGEST_SIZE,
    check_choices,
    check_fraction,
    check_number,
    check_positive,
    check_whole,
)
from rfa_models.config import ModelConfig
from rfa_models.errors import ConfigError
from rfa_models.tables import read_table
from rfa_models.tokenizer import TokenizerKind
from rfa_models.wording import one_line

Precision = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True)
class DataConfig:
    """Where the text comes from.  Paths are relative to the working directory; `pydoc` is Python's own help text."""

    train: tuple[str, ...] = ("pydoc",)
    valid: tuple[str, ...] = ()
    """Validation text; where there is none, the end of the training text is kept apart."""
    valid_fraction: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.valid_fraction < 1:
            raise ConfigError(f"valid_fraction is {self.valid_fraction}, wanted a value between 0 and 1")


@dataclass(frozen=True)
class TokenizerConfig:
    """How text becomes tokens."""

    kind: TokenizerKind = "bpe"
    vocab_size: int = 512
    """For `bpe` only: the others know their own."""

    def __post_init__(self) -> None:
        check_choices(self, kind=TokenizerKind)
        check_whole(self, 0, LARGEST_SIZE, "vocab_size")


@dataclass(frozen=True)
class TrainConfig:
    """How the model learns: AdamW, linear warm-up, cosine decay."""

    steps: int = 1000
    batch_size: int = 16
    """Segments per step and accumulation."""
    accumulate: int = 1
    """Batches whose gradients are added up before a step."""
    segment_length: int = 256
    """Tokens per segment; each starts from an empty state."""
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-4
    """Where the cosine ends."""
    warmup_steps: int = 100
    weight_decay: float = 0.1
    """On matrices only."""
    beta2: float = 0.99
    clip: float = 1.0
    """Largest norm of the gradient."""
    precision: Precision = "float32"
    """Autocast type of the large products; the attention's sums stay in float32.  float16 needs CUDA."""
    seed: int = 0
    evaluate_every: int = 500
    checkpoint_every: int = 200
    """Steps between resume points: a killed run loses at most these."""

    def __post_init__(self) -> None:
        check_choices(self, precision=Precision)
        check_whole(self, 1, LARGEST_COUNT, "steps", "evaluate_every", "checkpoint_every")
        check_whole(self, 0, LARGEST_COUNT, "warmup_steps")
        check_whole(self, 1, LARGEST_SIZE, "batch_size", "accumulate", "segment_length")
        check_whole(self, -LARGEST_SEED, LARGEST_SEED, "seed")
        check_positive(self, "learning_rate", "clip")
        check_number(self, 0.0, LARGEST_NUMBER, "final_learning_rate", "weight_decay")
        check_fraction(self, "beta2")


@dataclass(frozen=True)
class Recipe:
    """One TOML file, checked.  The vocabulary's size comes from the tokenizer, so [model] leaves it out."""

    model: dict[str, Any]
    data: DataConfig = field(default_factory=DataConfig)
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    train: TrainConfig = field(default_factory=TrainConfig)

    def model_config(self, vocab_size: int) -> ModelConfig:
        """The model's config once the vocabulary is known.  Raises ConfigError."""
        if "vocab_size" in self.model:
            raise ConfigError("[model] has a vocab_size, which the tokenizer decides: set it in [tokenizer]")
        return read_table(ModelConfig, {"vocab_size": vocab_size} | self.model, "model")


def read_recipe(path: Path) -> Recipe:
    """Read and check a recipe, the model's settings included.  Raises ConfigError, or OSError as `open` does."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # wrong syntax, bytes or digits; tables a thousand deep
        raise ConfigError(f"{path}: not TOML: {one_line(error)}") from error
    try:
        recipe = read_table(Recipe, table, "recipe")
        recipe.model_config(vocab_size=256)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return recipe
