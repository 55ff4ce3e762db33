"""Read JSON from strangers: every value is asked for by name, type and range, and errors say where it stood."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NoReturn

from rfa_runtime.errors import ManifestError

MAX_TEXT = 1024
"""Characters of any single string: names and versions are far shorter."""
SHOWN = 60
"""Characters of a value in a message."""
MAX_DEPTH = 64
"""Of lists and objects within each other: whoever walks through a document may call itself as often."""


class JsonObject:
    """A JSON object that knows where it stands in its document."""

    def __init__(self, table: object, where: str) -> None:
        if not isinstance(table, dict):
            raise ManifestError(f"{where} is {kind_of(table)}, wanted an object")
        self.table: dict[str, Any] = table
        self.where = where

    def value(self, key: str) -> Any:
        """Return what stands under a key, of any type.  Raises ManifestError where it is missing."""
        if key not in self.table:
            raise ManifestError(f"{self.where} has no {key!r}")
        return self.table[key]

    def text(self, key: str) -> str:
        """Return a string that is not empty."""
        value = self.value(key)
        if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT:
            self.refuse(key, value, f"a string of 1 to {MAX_TEXT} characters")
        return str(value)

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        """Return one of some strings."""
        value = self.value(key)
        if not isinstance(value, str) or value not in choices:
            self.refuse(key, value, " or ".join(map(repr, choices)))
        return str(value)

    def integer(self, key: str, lowest: int, highest: int) -> int:
        """Return a whole number within bounds, both included."""
        value = self.value(key)
        if type(value) is not int or not lowest <= value <= highest:
            self.refuse(key, value, f"a whole number from {lowest} to {highest}")
        return int(value)

    def array(self, key: str) -> list[Any]:
        """Return a list, its items unchecked."""
        value = self.value(key)
        if not isinstance(value, list):
            self.refuse(key, value, "a list")
        return list(value)

    def child(self, key: str) -> JsonObject:
        """Return an object within this one."""
        return JsonObject(self.value(key), f"{self.where}.{shown_name(key)}")

    def children(self) -> Iterator[tuple[str, JsonObject]]:
        """Yield every name with its object, where all values are objects."""
        for key in self.table:
            yield key, self.child(key)

    def refuse(self, key: str, value: object, wanted: str) -> NoReturn:
        """Say what came and what was wanted."""
        raise ManifestError(f"{self.where}.{shown_name(key)} is {kind_of(value)}, wanted {wanted}")


def parse_json(data: bytes, where: str) -> JsonObject:
    """Parse a document whose top is an object.

    Refuses what Python's reader lets pass: repeated keys, NaN, and what nobody could print or write again.
    """
    try:
        document = json.loads(data, object_pairs_hook=unique, parse_constant=no_constant)
        check_depth_and_text(document)
        return JsonObject(document, where)
    except (ValueError, RecursionError) as error:
        if isinstance(error, ManifestError):
            raise
        raise ManifestError(f"{where} is not JSON: {error or 'nested too deep'}") from error


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object, refusing a key that comes twice: readers differ in which one counts."""
    table: dict[str, Any] = {}
    for key, value in pairs:
        if key in table:
            raise ValueError(f"the key {key[:80]!r} comes twice")
        table[key] = value
    return table


def check_depth_and_text(value: object, depth: int = 0) -> None:
    """Raise ValueError for lists and objects nested too deep, and for half of a surrogate pair, which is no text."""
    if isinstance(value, str):
        value.encode()
    if not isinstance(value, dict | list):
        return
    if depth == MAX_DEPTH:
        raise ValueError("nested too deep")
    parts = [*value.keys(), *value.values()] if isinstance(value, dict) else value
    for part in parts:
        check_depth_and_text(part, depth + 1)


def no_constant(name: str) -> NoReturn:
    """Refuse NaN and infinities, which JSON does not have."""
    raise ValueError(f"{name} is not a JSON number")


def kind_of(value: object) -> str:
    """Name a value in a few characters."""
    names: dict[type, str] = {dict: "an object", list: "a list", type(None): "null"}
    return cut(names.get(type(value)) or json.dumps(value))


def shown_name(name: str) -> str:
    """A name out of a document as a message can hold it: short, on one line."""
    return cut(json.dumps(name, ensure_ascii=False)[1:-1])


def cut(text: str) -> str:
    """The beginning of a text."""
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
