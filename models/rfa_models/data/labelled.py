"""Labelled texts for training: `rfa_runtime.line_files.labelled` says which files hold them.

`listops` in place of a file name is the built-in task.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from rfa_models.data.config import LabelledConfig, ListopsConfig
from rfa_models.data.listops import listops_rows
from rfa_models.data.rows import all_rows, split_rows
from rfa_runtime.line_files import labelled as labelled_files
from rfa_runtime.line_files.labelled import Labelled

__all__ = ["Labelled", "label_names", "read_labelled", "read_source"]

LISTOPS = "listops"


def read_labelled(config: LabelledConfig) -> tuple[list[Labelled], list[Labelled]]:
    """Return training and validation texts.  Raises DataError, or OSError as `open` does."""
    train = read_all(config.train, config.listops)
    if not config.valid:
        return split_rows(train, config.valid_fraction)
    return train, read_all(config.valid, config.listops)


def read_all(names: tuple[str, ...], listops: ListopsConfig) -> list[Labelled]:
    """Return the rows of all sources, one source after the other."""
    rows: list[Labelled] = []
    for name in names:
        rows += read_source(name, listops)
    return rows


def read_source(name: str, listops: ListopsConfig) -> list[Labelled]:
    """Return the rows of a file, or of the built-in task.  Raises DataError."""
    if name == LISTOPS:
        return [Labelled(text, None, label) for text, label in listops_rows(**asdict(listops))]
    return all_rows(labelled_files.read_labelled, Path(name))


def label_names(rows: list[Labelled]) -> tuple[str, ...]:
    """Return the classes that there are: numbers by size, then words."""
    names = {row.label for row in rows}
    return tuple(sorted(names, key=sort_key))


def sort_key(name: str) -> tuple[int, int, str]:
    """Return a key that puts 9 before 10, and both before words."""
    if name.isdecimal():
        return (0, int(name), name)
    return (1, 0, name)
