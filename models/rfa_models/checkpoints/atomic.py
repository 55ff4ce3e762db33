"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from rfa_models.wording import one_line


def save_atomically(table: dict[str, Any], path: Path) -> None:
    """torch.save beside the target, then rename: a kill or a full disk leaves the old file as it was.

    The file beside it always has the same name, so that what a kill leaves there goes with the next save.  Raises
    OSError as the file system does.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            torch.save(table, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except RuntimeError as error:  # torch reports a failed write, such as a full disk, as RuntimeError
        raise OSError(f"{path}: could not be written ({one_line(error)}): is the disk full?") from error
    finally:
        temporary.unlink(missing_ok=True)
