"""What is read and written on one line: texts of several lines, results, pairs of documents."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Protocol

from rfa_runtime.errors import PromptError

ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\"}


class Table(Protocol):
    """A result that can be printed as JSON."""

    def as_table(self) -> dict[str, Any]:
        """Return the result by names, as `--json` prints it."""


def as_json_line(result: Table) -> str:
    """Spell a result."""
    return json.dumps(result.as_table())


def with_escapes(text: str) -> str:
    r"""Write line ends and tabs for `\n`, `\r` and `\t`, which shells pass on as they are, and one `\` for two."""
    return re.sub(r"\\([nrt\\])", lambda found: ESCAPES[found[1]], text)


def on_one_line(text: str) -> str:
    """What `with_escapes` undoes."""
    text = text.replace("\\", "\\\\")
    for letter, character in ESCAPES.items():
        if character != "\\":
            text = text.replace(character, "\\" + letter)
    return text


def with_probability(label: str, probabilities: Mapping[str, float]) -> str:
    """A label and its probability, with a tab between them."""
    return f"{label}\t{probabilities[label]:.4f}"


def documents(text: str, pairs: bool) -> str | tuple[str, str]:
    """Return the text, or, for a model that compares two texts, the two on both sides of its tab."""
    if not pairs:
        return text
    parts = text.split("\t")
    if len(parts) != 2:
        raise PromptError(f"{len(parts)} document(s) came, the model compares two: put one tab between them")
    return parts[0], parts[1]
