"""A text while it is written, in few bytes a token: a million tokens are no burden."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import overload


class TokenIds(Sequence[int]):
    """Ids of tokens, four bytes each.  It equals any other sequence of the same ids, a list for instance."""

    __slots__ = ("_ids",)

    def __init__(self, ids: Iterable[int] = ()) -> None:
        self._ids = array("i", ids)

    def append(self, token: int) -> None:
        """Add a token."""
        self._ids.append(token)

    def extend(self, tokens: Iterable[int]) -> None:
        """Add several."""
        self._ids.extend(tokens)

    def tolist(self) -> list[int]:
        """The same as a list."""
        return self._ids.tolist()

    @overload
    def __getitem__(self, place: int) -> int: ...

    @overload
    def __getitem__(self, place: slice) -> TokenIds: ...

    def __getitem__(self, place: int | slice) -> int | TokenIds:
        if isinstance(place, slice):
            return TokenIds(self._ids[place])
        return self._ids[place]

    def __add__(self, other: Iterable[int]) -> list[int]:
        return [*self._ids, *other]

    def __radd__(self, other: Iterable[int]) -> list[int]:
        return [*other, *self._ids]

    def __len__(self) -> int:
        return len(self._ids)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, TokenIds):
            return self._ids == other._ids
        if isinstance(other, Sequence) and not isinstance(other, str | bytes):
            return self._ids.tolist() == list(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it grows

    def __repr__(self) -> str:
        return repr(self.tolist())


class Written:
    """The tokens of a text, and its characters."""

    __slots__ = ("_text", "finish_reason", "token_ids")

    def __init__(self) -> None:
        self.token_ids = TokenIds()
        self.finish_reason: str | None = None
        """Why it ended; None before its end."""
        self._text = StringIO()

    def add(self, token: int, text: str, finish_reason: str | None) -> None:
        """Add a token, the characters that became certain with it, and why it is the last, if it is."""
        self.token_ids.append(token)
        self._text.write(text)
        self.finish_reason = finish_reason

    def end(self, text: str, finish_reason: str | None) -> None:
        """End between two tokens, with characters that were held back."""
        self._text.write(text)
        self.finish_reason = finish_reason

    @property
    def text(self) -> str:
        """All characters."""
        return self._text.getvalue()
