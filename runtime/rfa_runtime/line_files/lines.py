"""Lines of a file: bytes that know where they stood, so that every complaint names file and line."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from rfa_runtime.errors import PromptError, TextError
from rfa_runtime.line_files.text import decode

T = TypeVar("T")


@dataclass(frozen=True)
class Line:
    """One line as it came, without its end."""

    place: str
    """`FILE:LINE`, counted from 1."""
    data: bytes

    def text(self) -> str:
        """Read it as UTF-8.  Raises TextError that begins with the place."""
        return decode(self.data, self.place)

    def parse(self, parser: Callable[[str], T]) -> T:
        """Give the text to a parser, and put the place before what it complains of: PromptError or TextError."""
        text = self.text()
        try:
            return parser(text)
        except (PromptError, TextError) as error:
            raise type(error)(f"{self.place}: {error}") from error


def read_lines(stream: Iterable[bytes], name: str) -> Iterator[Line]:
    r"""Yield the lines of a binary stream.  name: of the file, for people.

    Only `\n` and `\r\n` end a line: the other breaks that Unicode knows may stand in a sentence.
    """
    for number, data in enumerate(stream, 1):
        if number == 1:
            data = data.removeprefix(codecs.BOM_UTF8)
        yield Line(f"{name}:{number}", data.removesuffix(b"\n").removesuffix(b"\r"))


def in_batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of `size` items; the last may be shorter."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
