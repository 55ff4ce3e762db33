"""Texts with the name of their class.

    NAME.tsv      text<TAB>label, after a header `Source<TAB>Target` where there is one (Long Range Arena's ListOps)
    NAME.jsonl    {"text": ..., "label": ...}, and "pair" where the class is that of two documents

A label may be a text or a whole number.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from rfa_runtime.errors import TextError
from rfa_runtime.line_files.rows import Rows, filled, json_row, json_text, parse_rows, shown, two_columns, unknown_form

HEADER = b"Source\tTarget"


class Labelled(NamedTuple):
    """A text, or a pair of texts, and the name of its class."""

    text: str
    pair: str | None
    label: str

    @property
    def texts(self) -> tuple[str, ...]:
        """One text, or two."""
        if self.pair is None:
            return (self.text,)
        return (self.text, self.pair)


def read_labelled(file: Path | str) -> Rows[Labelled]:
    """Read a .tsv or .jsonl.  Raises TextError for what is neither, OSError as `open` does."""
    file = Path(file)
    if file.suffix == ".tsv":
        return parse_rows(file, parse_tsv, HEADER)
    if file.suffix == ".jsonl":
        return parse_rows(file, parse_jsonl)
    raise unknown_form(file)


def parse_tsv(text: str) -> Labelled:
    """Parse one row of a .tsv."""
    content, label = two_columns(text, "text", "label")
    return Labelled(content, None, label.strip())


def parse_jsonl(text: str) -> Labelled:
    """Parse one row of a .jsonl."""
    table = json_row(text)
    pair = json_text(table, "pair") if "pair" in table else None
    return Labelled(json_text(table, "text"), pair, label_name(table.get("label")))


def label_name(value: object) -> str:
    """Return a label as a name: a class with a number is called by its number.  Raises TextError."""
    if type(value) not in (str, int):
        raise TextError(f"'label' is {shown(value)}, wanted a text or a whole number")
    return filled(str(value), "label")
