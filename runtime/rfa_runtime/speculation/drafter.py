"""What guesses the next tokens of a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Drafter(Protocol):
    """Guesses how a text goes on.  A wrong guess costs time, and changes nothing else.  It knows one text at a time."""

    def begin(self, ids: Sequence[int]) -> None:
        """Forget the text before, and read the prompt of another one."""

    def note(self, token: int) -> None:
        """Take note of the next token of the text."""

    def propose(self, most: int) -> list[int]:
        """Return up to so many tokens that may come next; none where there is no guess."""
