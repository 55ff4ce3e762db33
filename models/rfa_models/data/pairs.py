"""Pairs of a sentence and its translation, for training: `rfa_runtime.line_files.pairs` says which files hold them.

`numbers` in place of a file name are the built-in pairs.
"""

from __future__ import annotations

from pathlib import Path

from rfa_models.data.config import NumbersConfig, PairsConfig
from rfa_models.data.numbers import number_pairs
from rfa_models.data.rows import all_rows, split_rows
from rfa_models.errors import DataError
from rfa_runtime.line_files import pairs as pair_files
from rfa_runtime.line_files.pairs import PARSERS, Pair

__all__ = ["Pair", "read_pairs", "read_sources"]

NUMBERS = "numbers"


def read_pairs(config: PairsConfig) -> tuple[list[Pair], list[Pair]]:
    """Return training and validation pairs.  Raises DataError, or OSError as `open` does."""
    train = read_sources(config.train, config.numbers)
    if not config.valid:
        return split_rows(train, config.valid_fraction)
    return train, read_sources(config.valid, config.numbers)


def read_sources(names: tuple[str, ...], numbers: NumbersConfig) -> list[Pair]:
    """Return all pairs that the names stand for.  Plain files come in twos: sources, then targets."""
    pairs: list[Pair] = []
    rest = list(names)
    while rest:
        name = rest.pop(0)
        if name == NUMBERS:
            pairs += built_in(numbers)
        elif not is_plain(name):
            pairs += all_rows(pair_files.read_pairs, [Path(name)])
        elif rest and is_plain(rest[0]):
            pairs += all_rows(pair_files.read_pairs, [Path(name), Path(rest.pop(0))])
        else:
            raise DataError(f"{name} is neither .tsv nor .jsonl, nor one of two plain files: name its translation next")
    return pairs


def built_in(numbers: NumbersConfig) -> list[Pair]:
    """Return numbers in words, English and German."""
    return [Pair(english, german) for english, german in number_pairs(numbers.count, numbers.seed)]


def is_plain(name: str) -> bool:
    """Whether this can be one of two plain files."""
    return name != NUMBERS and Path(name).suffix not in PARSERS
