"""Where texts come from: `[data]` of a recipe, a class for each task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from rfa_models.checks import LARGEST_COUNT, LARGEST_SEED, LARGEST_SIZE, check_choices, check_whole
from rfa_models.errors import ConfigError

Documents = Literal["none", "file", "line", "paragraph"]


@dataclass(frozen=True)
class DataConfig:
    """Files of text, one after another."""

    BUILT_IN: ClassVar[str] = "pydoc"
    """The word that stands for data which are always there, in place of a file's name."""

    train: tuple[str, ...] = ("pydoc",)
    """Files of UTF-8 text; `pydoc` is the help text that comes with Python."""
    valid: tuple[str, ...] = ()
    """Files to measure on; where there are none, a part of the training data is kept apart: the end of a text."""
    valid_fraction: float = 0.1
    """The part that is kept apart where `valid` is empty."""

    def __post_init__(self) -> None:
        if not 0 < self.valid_fraction < 1:
            raise ConfigError(f"valid_fraction is {self.valid_fraction}, wanted a value between 0 and 1")

    def files(self) -> tuple[str, ...]:
        """The sources that are files."""
        return tuple(source for source in (*self.train, *self.valid) if source != self.BUILT_IN)


@dataclass(frozen=True)
class TextConfig(DataConfig):
    """Files of text to continue."""

    documents: Documents = "none"
    """What is a document, so that the model learns where a text begins and ends: a `file`, a `line`, a `paragraph`
    (between blank lines), or `none`: all files are one text without an end."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choices(self, documents=Documents)


@dataclass(frozen=True)
class NumbersConfig:
    """The built-in translation task: numbers in words, English to German."""

    count: int = 20_000
    """Number of pairs."""
    seed: int = 0
    """The same seed draws the same pairs."""

    def __post_init__(self) -> None:
        check_whole(self, 1, LARGEST_COUNT, "count")
        check_whole(self, -LARGEST_SEED, LARGEST_SEED, "seed")


@dataclass(frozen=True)
class PairsConfig(DataConfig):
    """Sentences and their translations."""

    BUILT_IN: ClassVar[str] = "numbers"

    train: tuple[str, ...] = ("numbers",)
    """Files `.tsv` or `.jsonl`, or two plain files, sources and then targets; `numbers` is built in."""
    max_tokens: int = 256
    """Pairs with a longer source or target, its end token included, are left out."""
    numbers: NumbersConfig = field(default_factory=NumbersConfig)
    """What `numbers` draws."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole(self, 2, LARGEST_SIZE, "max_tokens")


@dataclass(frozen=True)
class ListopsConfig:
    """The built-in classification task: Long Range Arena's ListOps."""

    count: int = 10_000
    """Number of expressions."""
    seed: int = 0
    """The same seed draws the same expressions."""
    shortest: int = 500
    """Expressions have more tokens than this."""
    longest: int = 2000
    """Expressions have fewer tokens than this."""
    max_depth: int = 10
    """Largest number of operators within each other."""
    max_arguments: int = 10
    """Largest number of arguments of an operator."""

    def __post_init__(self) -> None:
        check_whole(self, 1, LARGEST_COUNT, "count")
        check_whole(self, -LARGEST_SEED, LARGEST_SEED, "seed")
        check_whole(self, 0, LARGEST_SIZE, "shortest")
        check_whole(self, 1, LARGEST_SIZE, "longest", "max_depth", "max_arguments")


@dataclass(frozen=True)
class LabelledConfig(DataConfig):
    """Texts and their classes."""

    BUILT_IN: ClassVar[str] = "listops"

    train: tuple[str, ...] = ("listops",)
    """Files `.tsv` or `.jsonl`; `listops` is built in."""
    listops: ListopsConfig = field(default_factory=ListopsConfig)
    """What `listops` draws."""


BUILT_IN = tuple(kind.BUILT_IN for kind in (TextConfig, PairsConfig, LabelledConfig))
"""The words of all tasks that stand for no file."""
