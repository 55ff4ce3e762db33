"""Plain tables (TOML, checkpoint dicts) to frozen dataclasses, every key and type checked by name."""

from __future__ import annotations

import difflib
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from rfa_models.errors import ConfigError
from rfa_models.wording import shown

T = TypeVar("T")


def read_table(cls: type[T], table: Any, where: str) -> T:
    """Build a config dataclass from a table, tables within tables included.

    Raises ConfigError that names the key: unknown (with the nearest known one), missing, or of the wrong type.
    """
    if not isinstance(table, dict):
        raise ConfigError(f"[{where}] is {shown(table)}, wanted a table of settings")
    check_keys(cls, table, where)
    hints = get_type_hints(cls)
    settings = {}
    for key, value in table.items():
        settings[key] = read_value(hints[key], value, f"{where}.{key}")
    return cls(**settings)


def check_keys(cls: type[Any], table: dict[Any, Any], where: str) -> None:
    """Raise ConfigError for a key that the dataclass does not know, and for a missing one without a default."""
    known = {entry.name: entry for entry in fields(cls)}
    for key in table:
        if key not in known:
            raise ConfigError(f"unknown key {shown(key)} in [{where}]{nearest(key, list(known))}")
    for name, entry in known.items():
        if name not in table and entry.default is MISSING and entry.default_factory is MISSING:
            raise ConfigError(f"[{where}] has no {name!r}, which has no default: add it")


def read_value(wanted: Any, value: Any, where: str) -> Any:
    """Check one value against the type of its field; whole numbers may stand for floats, lists for tuples."""
    origin = get_origin(wanted)
    arguments = get_args(wanted)
    if is_dataclass(wanted):
        return read_table(wanted, value, where)  # type: ignore[arg-type]
    if origin in (Union, types.UnionType):
        return None if value is None else read_value(arguments[0], value, where)
    if origin is Literal:
        if not isinstance(value, str) or value not in arguments:
            raise ConfigError(f"{where} is {shown(value)}, wanted one of {', '.join(map(str, arguments))}")
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ConfigError(f"{where} is {shown(value)}, wanted a list")
        return tuple(read_value(arguments[0], item, where) for item in value)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return as_float(value, where)
    if origin in (dict, Mapping, Sequence):
        wanted = origin
    if not isinstance(value, wanted) or (wanted is not bool and isinstance(value, bool)):
        raise ConfigError(f"{where} is {shown(value)}, wanted {wanted.__name__}")
    return value


def as_float(value: int, where: str) -> float:
    """A whole number as a float.  Raises ConfigError where it is too large."""
    try:
        return float(value)
    except OverflowError as error:
        raise ConfigError(f"{where} is {shown(value)}, wanted a number that a float can hold") from error


def nearest(word: object, known: list[str]) -> str:
    """The end of an error's text: the known word that was probably meant, or all known words."""
    close = difflib.get_close_matches(word, known, n=1) if isinstance(word, str) else []
    return f": did you mean {close[0]!r}?" if close else f": known are {', '.join(known)}"
