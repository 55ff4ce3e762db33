"""A case: files in a folder, and a command that is called there."""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Case:
    """What a user has, and what the user calls."""

    files: dict[str, bytes]
    """By path within the folder."""
    command: str
    """One of the commands of `child.py`."""
    arguments: tuple[str, ...]

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        """What hypothesis prints of a case: its files are too long."""
        printer.text(self.line())

    def write(self, folder: Path) -> None:
        """Put the files into a folder."""
        for name, content in self.files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)

    def lost_files(self, folder: Path) -> list[str]:
        """The files of the user that are not as they were written."""
        lost = []
        for name, content in self.files.items():
            file = folder / name
            if not file.is_file() or file.read_bytes() != content:
                lost.append(name)
        return lost

    def line(self) -> str:
        """The command line."""
        return shlex.join([self.command, *self.arguments])

    @property
    def bytes(self) -> int:
        """Of all files together: of two cases that show one fault, the smaller is better."""
        return sum(map(len, self.files.values()))


def bundle_files(folder: Path) -> dict[str, bytes]:
    """The files of a bundle that lies somewhere, by name."""
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def entry_of(content: bytes) -> dict[str, object]:
    """What a manifest says of a file."""
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
