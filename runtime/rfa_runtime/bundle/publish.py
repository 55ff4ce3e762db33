"""Put a finished folder in its place: at every moment the old one or the new one is there, whole."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from pathlib import Path

from rfa_runtime.bundle.files import MANIFEST, sync
from rfa_runtime.bundle.manifest_json import parse_manifest
from rfa_runtime.errors import BundleError, BundleExistsError
from rfa_runtime.wording import OVERWRITE

AT_FDCWD = -100
RENAME_EXCHANGE = 2
"""Linux: paths are relative to the working directory; exchange two names in one step (linux/fs.h)."""
RENAME_SWAP = 2
"""macOS: the same (sys/stdio.h)."""
JUNK = (".DS_Store", "Thumbs.db", "desktop.ini")
"""What file managers leave in every folder that was looked at: nobody misses it."""
ASIDE = ".old"
"""Ends the name of a bundle that is set aside while another takes its place."""


def check_free(target: Path, overwrite: bool) -> None:
    """Raise BundleExistsError unless a bundle may appear here.

    An empty folder is as good as none.  Only a bundle is ever replaced, and only where nothing else lies in it.
    """
    if not os.path.lexists(target) or is_empty_folder(target):
        return
    if not overwrite:
        raise BundleExistsError(f"{target} exists: give another name, or ", OVERWRITE)
    if target.is_symlink() or not (target / MANIFEST).is_file():
        raise BundleExistsError(f"{target} exists and is not a bundle: it will not be overwritten")
    others = files_of_others(target)
    if others:
        raise BundleExistsError(
            f"{target} holds {others[0]}, which its manifest does not name: move it away, or give another name"
        )


def is_empty_folder(path: Path) -> bool:
    """Whether this is a folder, and no link to one, with nothing in it."""
    return path.is_dir() and not path.is_symlink() and not any(path.iterdir())


def files_of_others(target: Path) -> list[str]:
    """What lies in a bundle's folder and is not the bundle's: it would be lost with the folder."""
    known = {MANIFEST, *JUNK, *files_named_in(target / MANIFEST)}
    return sorted(entry.name for entry in target.iterdir() if entry.name not in known)


def files_named_in(manifest: Path) -> set[str]:
    """The files that a manifest names; none where it cannot be read."""
    try:
        return set(parse_manifest(manifest.read_bytes()).files)
    except BundleError:
        return set()


def publish(finished: Path, target: Path, overwrite: bool) -> None:
    """Give a finished folder its name.  A bundle that was there is removed after the swap."""
    check_free(target, overwrite)
    if is_empty_folder(target):
        target.rmdir()
    if not target.exists():
        finished.rename(target)
        sync(target.parent)
        return
    exchange(finished, target)
    sync(target.parent)
    shutil.rmtree(finished, ignore_errors=True)


def exchange(first: Path, second: Path) -> None:
    """Let two folders change names, in one step where the system can."""
    code = system_exchange(os.fsencode(first), os.fsencode(second))
    if code in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
        exchange_in_steps(first, second)
    elif code:
        raise OSError(code, os.strerror(code), str(second))


def exchange_in_steps(first: Path, second: Path) -> None:
    """Do without the system's call, as on some network file systems.

    For a moment nothing has the second name.  A writer killed then leaves both folders whole, and the next one puts the
    old folder back.
    """
    aside = first.with_name(first.name + ASIDE)
    second.rename(aside)
    try:
        first.rename(second)
    except OSError:
        aside.rename(second)
        raise
    aside.rename(first)


def system_exchange(first: bytes, second: bytes) -> int:
    """Exchange two names.  Returns 0, or the system's error number; ENOSYS where the system has no such call."""
    if os.name != "posix":
        return errno.ENOSYS
    library = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux" and hasattr(library, "renameat2"):
        failed = library.renameat2(AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE)
    elif sys.platform == "darwin" and hasattr(library, "renamex_np"):
        failed = library.renamex_np(first, second, RENAME_SWAP)
    else:
        return errno.ENOSYS
    return ctypes.get_errno() if failed else 0
