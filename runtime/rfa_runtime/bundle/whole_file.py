"""Files that are written whole or not at all.  Standard library only.

A file is first written beside its place, then renamed: a kill or a full disk leaves the old file as it was.  What a
kill leaves beside it goes with the next save.
"""

from __future__ import annotations

import glob
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from rfa_runtime.bundle.places import check_folder_of
from rfa_runtime.bundle.process_lock import writing

SUFFIX = ".tmp"


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of `path` when the `with` block ends without an error.

    Raises OSError where there can be no such file; it is an OutputBusyError where another process writes `path`.
    """
    check_folder_of(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: name a file in it")
    with writing(path, nested=True) as alone:
        if alone:
            remove_drafts(path)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}{SUFFIX}")
        try:
            with draft.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


def remove_drafts(path: Path) -> None:
    """Clear up after killed writers of the same file.  No other may be at work."""
    for draft in path.parent.glob(f".{glob.escape(path.name)}.*{SUFFIX}"):
        draft.unlink(missing_ok=True)
