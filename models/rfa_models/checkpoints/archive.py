"""Whether a file can be a checkpoint at all.  No torch here: a wrong file is named before torch is loaded."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO

from rfa_models.errors import CheckpointError
from rfa_runtime.bundle.places import check_readable

SAFETENSORS = ".safetensors"
"""Ends the names of checkpoints in that format; all others are archives of torch."""


def check_archive(path: Path) -> None:
    """Raise CheckpointError for what is no archive and has no other name, OSError where it cannot be read."""
    check_readable(path)
    if path.is_file() and path.suffix != SAFETENSORS and not is_archive(path):
        raise CheckpointError(
            f"{path}: the file is truncated or no checkpoint at all (File is not a zip file): get it again"
        )


def is_archive(file: Path | IO[bytes]) -> bool:
    """Whether a file ends as an archive does.  Python raises for one of several disks."""
    try:
        return zipfile.is_zipfile(file)
    except zipfile.BadZipFile:
        return False
