"""How much memory this process uses and has used.  Standard library only."""

from __future__ import annotations

import sys
from pathlib import Path

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

PROCESSES = Path("/proc")


def peak_rss_bytes() -> int:
    """Return the most resident memory that this program has had, in bytes; 0 on systems that do not tell.

    Linux: VmHWM.  getrusage would also count the program that started this one, as its peak survives exec.
    """
    found = status_bytes("VmHWM")
    if found is not None:
        return found
    if resource is None:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, others kibibytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def current_rss_bytes() -> int:
    """Return the resident memory now, in bytes; its peak on systems that do not tell."""
    found = status_bytes("VmRSS")
    return peak_rss_bytes() if found is None else found


def status_bytes(field: str, process: int | str = "self") -> int | None:
    """Read one line of Linux' account of a process, such as `VmRSS:    1234 kB`.  process: its number."""
    status = PROCESSES / str(process) / "status"
    if not status.exists():
        return None
    for line in status.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return None
