"""Locks on folders and files that the system releases when their process ends, however it ends."""

from __future__ import annotations

import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: no locks; leftovers stay until someone removes them
    fcntl = None  # type: ignore[assignment]


def try_lock(folder: Path) -> int | None:
    """Lock a folder for this process.  Returns the lock, or None where another process has it."""
    if fcntl is None:
        return None
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def lock_file(handle: int) -> bool:
    """Lock an open file until it is closed.  Returns False where another process has it."""
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: the file can be written all the same
        pass
    return True


def unlock(lock: int | None) -> None:
    """Release a lock."""
    if lock is not None:
        os.close(lock)
