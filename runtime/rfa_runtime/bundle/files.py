"""The files of a bundle's folder: which names they may have, and are they the ones that were written?

A name must be plain on every system: it names an entry of the bundle's own folder and nothing else.  The entry may be a
link, as in caches that keep files by their content: its sum says whether the right file stands behind it.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from rfa_runtime.bundle.manifest import FileEntry
from rfa_runtime.errors import BundleIntegrityError, BundlePathError

MANIFEST = "manifest.json"
PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,254}")
"""Letters, digits, `_ . + -`, no dot first: nothing that any file system reads as a path, a drive or a stream."""
DEVICES = re.compile(r"con|prn|aux|nul|(com|lpt)[0-9]", re.IGNORECASE)
"""Windows opens these as devices, whatever comes after a dot."""


def check_name(name: str) -> str:
    """Return the name where it is harmless, raise BundlePathError where it is not."""
    if not PLAIN.fullmatch(name):
        raise BundlePathError(f"the file name {name[:80]!r} is refused: wanted only letters, digits and _ . + -")
    if DEVICES.fullmatch(name.split(".")[0]) or name.endswith("."):
        raise BundlePathError(f"the file name {name!r} is refused: on some systems it is a device or another file")
    return name


def list_files(folder: Path) -> dict[str, int]:
    """Names and sizes of all files but the manifest, in a folder of our own.

    Raises BundlePathError for links, folders and devices.
    """
    sizes = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode):
                raise BundlePathError(f"{folder.name}/{entry.name} is no plain file: a bundle has no links or folders")
            sizes[check_name(entry.name)] = status.st_size
    sizes.pop(MANIFEST, None)
    return sizes


def check_files(folder: Path, wanted: Mapping[str, FileEntry], hashes: bool) -> None:
    """Raise BundleIntegrityError unless the folder holds these files; others in it are nobody's business.

    hashes: read all of them.  A file behind a link is always read: what the link leads to must have the right sum.
    """
    for name, entry in wanted.items():
        size = plain_file_size(folder / name)
        if size != entry.bytes:
            raise BundleIntegrityError(
                f"{folder.name}/{name} has {size:,} bytes, the manifest says {entry.bytes:,}: "
                "copy or export the bundle again"
            )
        if (hashes or (folder / name).is_symlink()) and sha256(folder / name) != entry.sha256:
            raise BundleIntegrityError(
                f"{folder.name}/{name} has changed since the bundle was written (its sha256 differs): "
                "copy or export the bundle again"
            )


def plain_file_size(file: Path) -> int:
    """The size of a file, which may stand behind a link.

    Raises BundleIntegrityError where there is none, BundlePathError for folders and devices.
    """
    shown = f"{file.parent.name}/{file.name}"
    try:
        status = file.stat()
    except FileNotFoundError as error:
        raise BundleIntegrityError(f"{shown} is missing: copy or export the bundle again") from error
    if not stat.S_ISREG(status.st_mode):
        raise BundlePathError(f"{shown} is no plain file: copy or export the bundle again")
    return status.st_size


def describe_files(folder: Path) -> dict[str, FileEntry]:
    """Sizes and hashes of all files but the manifest, each brought to the disk."""
    entries = {}
    for name in sorted(list_files(folder)):
        sync(folder / name)
        entries[name] = FileEntry((folder / name).stat().st_size, sha256(folder / name))
    return entries


def total_bytes(files: Iterable[Path]) -> int:
    """The size of some files together."""
    size = 0
    for file in files:
        size += file.stat().st_size
    return size


def sha256(path: Path) -> str:
    """Hash a file without holding it in memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Wait until a file, or the list of names in a folder, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
