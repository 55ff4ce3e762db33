"""Files that are written whole or not at all.

A file is first written beside its place, then renamed: a kill or a full disk leaves the old file as it was.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import torch

from rfa_models.wording import one_line


def save_atomically(table: dict[str, Any], path: Path) -> None:
    """Write what torch.load can read.  Raises OSError as the file system does."""
    try:
        with written_whole(path) as file:
            torch.save(table, file)
    except RuntimeError as error:  # torch reports a failed write, such as a full disk, as RuntimeError
        raise OSError(f"{path}: could not be written ({one_line(error)}): is the disk full?") from error


def write_lines(lines: Iterable[str], path: Path) -> None:
    """Write text as UTF-8, one line for each item.  Raises OSError as the file system does."""
    with written_whole(path) as file:
        for line in lines:
            file.write(f"{line}\n".encode())


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of `path` when the `with` block ends without an error.

    It always has the same name, so that what a kill leaves there goes with the next save.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
