"""Reading settings from others' tables: each is checked, and what would change the arithmetic is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rfa_models.errors import ConfigError
from rfa_models.wording import shown

Table = Mapping[str, Any]


def whole(table: Table, key: str, default: int | None = None) -> int:
    """A whole number.  Raises ConfigError."""
    value = table.get(key, default)
    if type(value) is not int:
        raise ConfigError(f"{key} is {shown(value)}, wanted a whole number")
    return value


def real(table: Table, key: str, default: float | None = None) -> float:
    """A number.  Raises ConfigError."""
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{key} is {shown(value)}, wanted a number")
    try:
        return float(value)
    except OverflowError as error:
        raise ConfigError(f"{key} is {shown(value)}, wanted a number that a float can hold") from error


def switch(table: Table, key: str, default: bool) -> bool:
    """True or false.  Raises ConfigError."""
    value = table.get(key, default)
    if not isinstance(value, bool):
        raise ConfigError(f"{key} is {shown(value)}, wanted true or false")
    return value


def expect(table: Table, key: str, *known: Any) -> None:
    """Raise ConfigError where a setting that may be left out is there and is none of these."""
    value = table.get(key)
    if value is not None and value not in known:
        words = " or ".join(map(str, known))
        raise ConfigError(f"{key} is {shown(value)}, wanted {words}: models with other settings are not read yet")


def head_width(width: int, heads: int) -> int:
    """Channels of a head.  Raises ConfigError where heads do not divide the width."""
    if heads < 1 or width % heads:
        raise ConfigError(f"{heads} heads do not divide the width {width}")
    return width // heads
