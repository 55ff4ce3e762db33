"""Walk through the header of a GGUF file before the package reads it: every count must fit into the file.

The package believes counts.  An array that says it has 2^60 numbers would keep it busy for ever.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from rfa_models.errors import CheckpointError

MAGIC = b"GGUF"
VERSIONS = (2, 3)
SCALAR_BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""By the number of their type."""
STRING = 8
ARRAY = 9
MOST_DIMENSIONS = 8
DEEPEST = 2
"""Arrays in arrays."""


class Walk:
    """A place in a file that is read from its beginning."""

    def __init__(self, path: Path, data: mmap.mmap) -> None:
        self.path = path
        self.data = data
        self.at = 0

    def number(self, kind: str) -> int:
        """The next number.  kind: I of 4 bytes, Q of 8."""
        size = struct.calcsize(kind)
        self.skip(size)
        found: int = struct.unpack_from(f"<{kind}", self.data, self.at - size)[0]
        return found

    def skip(self, size: int) -> None:
        """Go on by some bytes.  Raises CheckpointError where the file ends before."""
        if size > len(self.data) - self.at:
            raise CheckpointError(f"{self.path}: its header goes on beyond its end: the file is cut, get it again")
        self.at += size

    def string(self) -> None:
        """Pass a text."""
        self.skip(self.number("Q"))

    def value(self, kind: int, depth: int = 0) -> None:
        """Pass a value of a type."""
        if kind in SCALAR_BYTES:
            self.skip(SCALAR_BYTES[kind])
        elif kind == STRING:
            self.string()
        elif kind == ARRAY and depth < DEEPEST:
            self.array(depth)
        else:
            raise CheckpointError(f"{self.path}: its header has a value of the unknown type {kind}: get it again")

    def array(self, depth: int) -> None:
        """Pass an array."""
        kind = self.number("I")
        count = self.number("Q")
        if kind in SCALAR_BYTES:
            self.skip(count * SCALAR_BYTES[kind])
            return
        for _ in range(count):
            self.value(kind, depth + 1)

    def tensor(self) -> None:
        """Pass the description of a tensor."""
        self.string()
        dimensions = self.number("I")
        if dimensions > MOST_DIMENSIONS:
            raise CheckpointError(f"{self.path}: a tensor has {dimensions:,} dimensions: the file is damaged")
        self.skip(dimensions * struct.calcsize("Q"))
        self.number("I")
        self.number("Q")


def check_header(path: Path) -> None:
    """Raise CheckpointError unless the header is whole, OSError as `open` does."""
    with path.open("rb") as file:
        magic = file.read(len(MAGIC))
        if magic != MAGIC:
            raise CheckpointError(f"{path}: begins with {magic!r}, not {MAGIC!r}: not a GGUF file")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            walk = Walk(path, data)
            walk.skip(len(MAGIC))
            version = walk.number("I")
            if version not in VERSIONS:
                raise CheckpointError(f"{path}: GGUF of version {version}, known are {', '.join(map(str, VERSIONS))}")
            tensors = walk.number("Q")
            settings = walk.number("Q")
            for _ in range(settings):
                walk.string()
                walk.value(walk.number("I"))
            for _ in range(tensors):
                walk.tensor()
