"""How a message names a setting: as Python has it, or as the option of a command.  Standard library only.

A library says what to set without knowing who called it: `raise SomeError("it is there, or set ", Setting(...))`.
In Python the message then has `overwrite=True`.  A command puts its own option in that place: `--overwrite`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Setting:
    """A parameter of the public functions, and the value that is meant, if one is."""

    name: str
    value: Any = None

    def __str__(self) -> str:
        """As Python has it."""
        return self.name if self.value is None else f"{self.name}={self.value!r}"


OVERWRITE = Setting("overwrite", True)


class WordedError(Exception):
    """An error whose message is made of texts and settings.  Parent of all that the packages raise on purpose."""

    def __init__(self, *parts: str | Setting) -> None:
        super().__init__("".join(map(str, parts)))
        self.parts = parts

    def __reduce__(self) -> tuple[type[WordedError], tuple[str | Setting, ...]]:
        # Those that are also ValueErrors or OSErrors have a `__new__` that others, such as Dask, call wrongly.
        return type(self), self.parts

    def worded(self, name_of: Callable[[Setting], str]) -> str:
        """Return the message with other names for the settings."""
        return "".join(name_of(part) if isinstance(part, Setting) else part for part in self.parts)
