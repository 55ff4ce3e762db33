"""Numbers that a caller gave: Python's or numpy's, within bounds.  Standard library only."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from rfa_runtime.errors import OptionError
from rfa_runtime.wording import Setting


def whole_number(name: str, value: Any, lowest: int, highest: int, why: str = "") -> int:
    """Return a whole number as Python's own.  Raises OptionError for another thing, and out of bounds.

    name: of the setting.  why: what the bounds are for, behind a space.
    """
    if isinstance(value, Integral) and not isinstance(value, bool) and lowest <= int(value) <= highest:
        return int(value)
    raise OptionError(Setting(name), f" is {value!r}, wanted a whole number from {lowest:,} to {highest:,}{why}")


def number(name: str, value: Any, lowest: float, highest: float) -> float:
    """Return a number as Python's own.  Raises OptionError for another thing, and out of bounds; NaN always is."""
    given: Any = value if isinstance(value, Real) and not isinstance(value, bool) else None
    if given is not None and lowest <= given <= highest:  # compared first: a whole number may be too large for a float
        return float(given)
    raise OptionError(Setting(name), f" is {value!r}, wanted a number from {lowest:g} to {highest:g}")
