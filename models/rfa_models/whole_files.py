"""What torch writes, and lines of text, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from rfa_models.wording import one_line
from rfa_runtime.bundle.whole_file import written_whole


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
