"""Whether a file can be a checkpoint at all, and one of ours.

No torch here: a wrong file is named before torch is loaded.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import IO

from rfa_models.errors import CheckpointError
from rfa_runtime.bundle.places import check_readable

SAFETENSORS = ".safetensors"
"""Ends the names of checkpoints in that format; all others are archives of torch."""

FORMAT = "rfa-checkpoint"
"""Stands at the beginning of what a checkpoint holds."""
BEGINNING = 256
"""Bytes of it that are looked at."""
CONTENTS = "/data.pkl"
"""Ends the name of the contents in an archive of torch."""


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


def is_own(path: Path) -> bool:
    """Whether a file looks like a checkpoint of ours, not like somebody else's archive of torch."""
    if path.suffix == SAFETENSORS:
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            contents = [name for name in archive.namelist() if name.endswith(CONTENTS)]
            with archive.open(contents[0]) as file:
                return FORMAT.encode() in file.read(BEGINNING)
    except (OSError, EOFError, IndexError, RuntimeError, zipfile.BadZipFile, zlib.error):
        return False
