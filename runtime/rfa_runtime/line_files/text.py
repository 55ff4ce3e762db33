"""Text files, whole or line by line.  A complaint names the file and the place in it.  Standard library only."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rfa_runtime.errors import PromptError, TextError

T = TypeVar("T")
NUL = "\0"


def read_text(file: Path | str) -> str:
    """Read a UTF-8 file as one text.  See `whole_text`.

    Raises TextError where the bytes are not text or the name cannot be a file's, OSError as `open` does.
    """
    try:
        data = Path(file).read_bytes()
    except ValueError as error:  # a null byte
        raise TextError(f"{str(file)!r} is not a file's name ({error})") from error
    return whole_text(data, str(file))


def whole_text(data: bytes, source: str) -> str:
    r"""Read bytes as one text, whatever system wrote it: without a byte order mark, and with `\n` for `\r\n`.

    A `\r` by itself stays.  source: named in the error.  Raises TextError.
    """
    return decode(data.removeprefix(codecs.BOM_UTF8), source).replace("\r\n", "\n")


def decode(data: bytes, source: str) -> str:
    """Read bytes as UTF-8.  source: named in the error.  Raises TextError, for a NUL as well: texts have none."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"byte 0x{data[error.start]:02x} at offset {error.start}"
        raise TextError(f"{source}: {found} is not UTF-8: convert the text first") from error
    if NUL in text:
        raise TextError(f"{source}: a NUL at offset {data.index(0)}: wanted text in UTF-8, not a binary file or UTF-16")
    return text


def fault_of(text: str) -> str | None:
    """Say what keeps a string from being text, and where; None for text."""
    if NUL in text:
        return f"a NUL at character {text.index(NUL)}"
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"half a character ({text[error.start]!r}) at character {error.start}"
    return None


@dataclass(frozen=True)
class Line:
    """One line as it came, without its end."""

    place: str
    """`FILE:LINE`, counted from 1."""
    data: bytes

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to read."""
        return not self.data.strip()

    def text(self) -> str:
        """Read the line as UTF-8.  Raises TextError that begins with the place."""
        return decode(self.data, self.place)

    def parse(self, parser: Callable[[str], T]) -> T:
        """Give the text to a parser.  Raises the parser's PromptError or TextError with the place before its words."""
        text = self.text()
        try:
            return parser(text)
        except (PromptError, TextError) as error:
            raise type(error)(f"{self.place}: {error}") from error


def read_lines(stream: Iterable[bytes], name: str, first: int = 1) -> Iterator[Line]:
    r"""Yield the lines of a binary stream.  name: of the file, for people.  first: the number of its first line.

    Only `\n` and `\r\n` end a line: the other breaks that Unicode knows may stand in a sentence.
    """
    for number, data in enumerate(stream, first):
        if number == 1:
            data = data.removeprefix(codecs.BOM_UTF8)
        yield Line(f"{name}:{number}", data.removesuffix(b"\n").removesuffix(b"\r"))
