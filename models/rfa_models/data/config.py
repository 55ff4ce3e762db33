"""Where texts come from: `[data]` of a recipe, a class for each task."""

from __future__ import annotations

from dataclasses import dataclass, field

from rfa_models.checks import LARGEST_COUNT, LARGEST_SEED, LARGEST_SIZE, check_whole
from rfa_models.errors import ConfigError


@dataclass(frozen=True)
class DataConfig:
    """Text to continue.  Paths are relative to the working directory; `pydoc` is Python's own help text."""

    train: tuple[str, ...] = ("pydoc",)
    valid: tuple[str, ...] = ()
    """Validation data; where there is none, a part of the training data is kept apart: the end of a text."""
    valid_fraction: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.valid_fraction < 1:
            raise ConfigError(f"valid_fraction is {self.valid_fraction}, wanted a value between 0 and 1")


@dataclass(frozen=True)
class NumbersConfig:
    """The built-in translation task: numbers in words, English to German."""

    count: int = 20_000
    """Pairs."""
    seed: int = 0

    def __post_init__(self) -> None:
        check_whole(self, 1, LARGEST_COUNT, "count")
        check_whole(self, -LARGEST_SEED, LARGEST_SEED, "seed")


@dataclass(frozen=True)
class PairsConfig(DataConfig):
    """Sentences and their translations: `.tsv`, `.jsonl`, two plain files, or the built-in `numbers`."""

    train: tuple[str, ...] = ("numbers",)
    max_tokens: int = 256
    """Pairs with a longer source or target, its end token included, are left out."""
    numbers: NumbersConfig = field(default_factory=NumbersConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole(self, 2, LARGEST_SIZE, "max_tokens")


@dataclass(frozen=True)
class ListopsConfig:
    """The built-in classification task: Long Range Arena's ListOps."""

    count: int = 10_000
    """Expressions."""
    seed: int = 0
    shortest: int = 500
    """Flat tokens, not included."""
    longest: int = 2000
    """Flat tokens, not included."""
    max_depth: int = 10
    max_arguments: int = 10

    def __post_init__(self) -> None:
        check_whole(self, 1, LARGEST_COUNT, "count")
        check_whole(self, -LARGEST_SEED, LARGEST_SEED, "seed")
        check_whole(self, 0, LARGEST_SIZE, "shortest")
        check_whole(self, 1, LARGEST_SIZE, "longest", "max_depth", "max_arguments")


@dataclass(frozen=True)
class LabelledConfig(DataConfig):
    """Texts and their classes: `.tsv`, `.jsonl`, or the built-in `listops`."""

    train: tuple[str, ...] = ("listops",)
    listops: ListopsConfig = field(default_factory=ListopsConfig)
