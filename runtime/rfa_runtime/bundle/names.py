"""Names that a bundle may give its files: plain ones, in the bundle's own folder, on every system."""

from __future__ import annotations

import re

from rfa_runtime.errors import BundlePathError

MANIFEST = "manifest.json"
PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,254}")
"""Letters, digits, `_ . + -`, no dot first: nothing that any file system reads as a path, a drive or a stream."""
DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in range(10))}
"""Windows opens these as devices, whatever comes after a dot."""


def check_name(name: str) -> str:
    """Return the name where it is harmless, raise BundlePathError where it is not."""
    if not PLAIN.fullmatch(name):
        raise BundlePathError(f"the file name {name[:80]!r} is refused: wanted letters, digits and _ . + - alone")
    if name.split(".")[0].lower() in DEVICES or name.endswith("."):
        raise BundlePathError(f"the file name {name!r} is refused: on some systems it is a device or another file")
    return name
