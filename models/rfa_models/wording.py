"""Foreign values in messages: short, on one line, and without raising another error."""

from __future__ import annotations

import reprlib
from typing import Any

LONGEST = 60
"""Characters of a value."""
LONGEST_LINE = 200
"""Characters of another library's error."""


def shown(value: Any) -> str:
    """A value as messages show it, whatever a hostile file put there."""
    return " ".join(_shortener.repr(value).split())


def one_line(error: BaseException) -> str:
    """The first line of an error's text, or the name of its class where there is no text."""
    lines = str(error).splitlines()
    first = lines[0] if lines else type(error).__name__
    return first[:LONGEST_LINE]


class Shortener(reprlib.Repr):
    """`repr` cut short.  Numbers too long for Python to print are described, and so are tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = LONGEST
        self.maxother = LONGEST
        self.maxlong = LONGEST

    def repr_int(self, x: int, level: int) -> str:
        """A whole number; Python refuses to print more than 4300 digits."""
        if x.bit_length() < 1000:
            return super().repr_int(x, level)
        return f"a number of {x.bit_length():,} bits"

    def repr_Tensor(self, x: Any, level: int) -> str:  # the name that reprlib looks for
        """A tensor, of which only the shape is shown."""
        return f"a tensor of shape {tuple(x.shape)}"


_shortener = Shortener()
