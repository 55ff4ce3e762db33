"""Texts with the name of their class.

    NAME.tsv      text<TAB>label, after a header `Source<TAB>Target` where there is one (Long Range Arena's ListOps)
    NAME.jsonl    {"text": ..., "label": ...}, and "pair" where the class is that of two documents
    listops       built in

A label may be a text or a whole number.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from rfa_models.data.config import LabelledConfig, ListopsConfig
from rfa_models.data.listops import listops_rows
from rfa_models.data.rows import filled, json_row, json_text, parse_rows, split_rows, two_columns
from rfa_models.errors import DataError
from rfa_models.wording import shown

LISTOPS = "listops"
HEADER = "Source\tTarget"


class Labelled(NamedTuple):
    """A text, or a pair of texts, and the name of its class."""

    text: str
    pair: str | None
    label: str

    @property
    def texts(self) -> tuple[str, ...]:
        """One text, or two."""
        return (self.text,) if self.pair is None else (self.text, self.pair)


def read_labelled(config: LabelledConfig) -> tuple[list[Labelled], list[Labelled]]:
    """Training and validation texts.  Raises DataError, or OSError as `open` does."""
    train = [row for name in config.train for row in read_source(name, config.listops)]
    if not config.valid:
        return split_rows(train, config.valid_fraction)
    return train, [row for name in config.valid for row in read_source(name, config.listops)]


def read_source(name: str, listops: ListopsConfig) -> list[Labelled]:
    """The rows of a file, or of the built-in task."""
    if name == LISTOPS:
        return [Labelled(text, None, label) for text, label in listops_rows(**asdict(listops))]
    path = Path(name)
    if path.suffix == ".tsv":
        return parse_rows(path, parse_tsv, HEADER)
    if path.suffix == ".jsonl":
        return parse_rows(path, parse_jsonl)
    raise DataError(f"{name} is neither .tsv nor .jsonl: name it after what it holds")


def parse_tsv(line: str) -> Labelled:
    """One row of a .tsv."""
    text, label = two_columns(line, "text", "label")
    return Labelled(text, None, label.strip())


def parse_jsonl(line: str) -> Labelled:
    """One row of a .jsonl."""
    table = json_row(line)
    pair = json_text(table, "pair") if "pair" in table else None
    return Labelled(json_text(table, "text"), pair, label_name(table.get("label")))


def label_name(value: object) -> str:
    """A label as a name: classes with numbers are called by them."""
    if type(value) not in (str, int):
        raise DataError(f"'label' is {shown(value)}, wanted a text or a whole number")
    return filled(str(value), "label")


def label_names(rows: list[Labelled]) -> tuple[str, ...]:
    """The classes that there are, numbers in their order."""
    return tuple(sorted({row.label for row in rows}, key=numbers_first))


def numbers_first(name: str) -> tuple[bool, int, str]:
    """Sorts 9 before 10, and both before words."""
    return (False, int(name), name) if name.isdecimal() else (True, 0, name)
