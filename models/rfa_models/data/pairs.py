"""Pairs of a sentence and its translation.

    NAME.tsv      source<TAB>target
    NAME.jsonl    {"source": ..., "target": ...}
    two files     a line of the one belongs to the same line of the other
    numbers       built in

No side of a pair may be empty.
"""

from __future__ import annotations

from pathlib import Path

from rfa_models.data.config import NumbersConfig, PairsConfig
from rfa_models.data.numbers import number_pairs
from rfa_models.data.rows import filled, json_row, json_text, parse_rows, read_lines, split_rows, two_columns
from rfa_models.errors import DataError

Pair = tuple[str, str]
NUMBERS = "numbers"


def read_pairs(config: PairsConfig) -> tuple[list[Pair], list[Pair]]:
    """Training and validation pairs.  Raises DataError, or OSError as `open` does."""
    train = read_sources(config.train, config.numbers)
    if not config.valid:
        return split_rows(train, config.valid_fraction)
    return train, read_sources(config.valid, config.numbers)


def read_sources(names: tuple[str, ...], numbers: NumbersConfig) -> list[Pair]:
    """All pairs that the names stand for.  Plain files come in twos: sources, then targets."""
    pairs: list[Pair] = []
    rest = list(names)
    while rest:
        name = rest.pop(0)
        if name == NUMBERS:
            pairs += number_pairs(numbers.count, numbers.seed)
        elif Path(name).suffix in PARSERS:
            pairs += parse_rows(Path(name), PARSERS[Path(name).suffix])
        elif rest and is_plain(rest[0]):
            pairs += side_by_side(Path(name), Path(rest.pop(0)))
        else:
            raise DataError(f"{name} is neither .tsv nor .jsonl, nor one of two plain files: name its translation next")
    return pairs


def is_plain(name: str) -> bool:
    """Whether this can be the second of two plain files."""
    return name != NUMBERS and Path(name).suffix not in PARSERS


def side_by_side(source: Path, target: Path) -> list[Pair]:
    """Two plain files of as many lines.  Raises DataError."""
    sources, targets = read_lines(source), read_lines(target)
    if len(sources) != len(targets):
        raise DataError(f"{source} has {len(sources)} lines, {target} has {len(targets)}: wanted as many in both")
    for path, lines in ((source, sources), (target, targets)):
        for number, line in enumerate(lines, 1):
            filled(line, f"line at {path}:{number}")
    return list(zip(sources, targets, strict=True))


def parse_tsv(line: str) -> Pair:
    """One row of a .tsv."""
    return two_columns(line, "source", "target")


def parse_jsonl(line: str) -> Pair:
    """One row of a .jsonl."""
    table = json_row(line)
    return json_text(table, "source"), json_text(table, "target")


PARSERS = {".tsv": parse_tsv, ".jsonl": parse_jsonl}
