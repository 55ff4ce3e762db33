"""Checks of single settings: each names the field, what it holds and what was wanted."""

from __future__ import annotations

from typing import Any, get_args

from rfa_models.errors import ConfigError
from rfa_models.wording import shown
from rfa_runtime.wording import Setting

LARGEST_SIZE = 2**20
"""Of anything that sizes a tensor: more than a machine can hold, and the product of three still fits in 64 bits."""
LARGEST_COUNT = 10**9
"""Of steps: more than a lifetime of training."""
LARGEST_SEED = 2**40
"""Batches multiply a seed by a million, and the product must fit in 64 bits."""
SMALLEST_NUMBER = 1e-18
LARGEST_NUMBER = 1e18
"""Of any factor: its square, too, is a number in float32."""


def check_choices(config: object, **choices: Any) -> None:
    """Raise ConfigError where a field holds none of the words of its Literal type."""
    for name, literal in choices.items():
        value = getattr(config, name)
        allowed = get_args(literal)
        if value not in allowed:
            raise ConfigError(Setting(name), f" is {shown(value)}, wanted one of {', '.join(allowed)}")


def check_whole(config: object, smallest: int, largest: int, *names: str) -> None:
    """Raise ConfigError where a field is not a whole number in this range, ends included."""
    for name in names:
        value = getattr(config, name)
        if type(value) is not int or not smallest <= value <= largest:
            raise ConfigError(
                Setting(name), f" is {shown(value)}, wanted a whole number from {smallest:,} to {largest:,}"
            )


def check_number(config: object, smallest: float, largest: float, *names: str) -> None:
    """Raise ConfigError where a field is not a number in this range, ends included; nan is in none."""
    for name in names:
        value = getattr(config, name)
        if not is_number(value) or not smallest <= value <= largest:
            raise ConfigError(Setting(name), f" is {shown(value)}, wanted a number from {smallest:g} to {largest:g}")


def check_positive(config: object, *names: str) -> None:
    """Raise ConfigError where a field is not above zero, or so small or large that float32 cannot work with it."""
    check_number(config, SMALLEST_NUMBER, LARGEST_NUMBER, *names)


def check_optional(config: object, *names: str) -> None:
    """The same for fields that may be None."""
    given = [name for name in names if getattr(config, name) is not None]
    check_positive(config, *given)


def check_fraction(config: object, *names: str) -> None:
    """Raise ConfigError where a field is not a number from 0 up to, not including, 1."""
    for name in names:
        value = getattr(config, name)
        if not is_number(value) or not 0 <= value < 1:
            raise ConfigError(Setting(name), f" is {shown(value)}, wanted a number from 0 up to, not including, 1")


def is_number(value: object) -> bool:
    """Whether a value is an int or a float; True and False are neither."""
    return isinstance(value, int | float) and not isinstance(value, bool)
