"""How many threads this process can use, and how they wait.  Standard library only."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rfa_runtime.checks import whole_number
from rfa_runtime.wording import Setting, WordedError

LARGEST_THREADS = 256
"""More of them were never seen to help one step, and a thousand on two cores gave no token in 20 seconds."""
NO_LIMIT = 1e6
GROUPS = Path("/sys/fs/cgroup")
MY_GROUPS = Path("/proc/self/cgroup")
PROCESSORS = Path("/sys/devices/system/cpu")


class ThreadsWarning(WordedError, UserWarning):
    """More threads than cores: they take turns, and each waits for the others."""


def check_threads(count: Any) -> int:
    """Return a number of threads as Python's own.

    Raises OptionError for another thing or more than 256.  Warns with ThreadsWarning where they have too few cores.
    """
    threads = whole_number("threads", count, 1, LARGEST_THREADS)
    cores = usable_processors()
    if threads > cores:
        had = "1 core" if cores == 1 else f"{cores} cores"
        warnings.warn(
            ThreadsWarning(
                Setting("threads"), f" is {threads}, and this process may use {had}: more threads make it slower"
            ),
            stacklevel=2,
        )
    return threads


def usable_cores() -> int:
    """Cores that this process may use.  Two hyper-threads of one core count once: the second adds next to nothing."""
    cores = {core_of(number) for number in usable_numbers()}
    return min(len(cores), usable_processors())


def usable_processors() -> int:
    """Processors, hyper-threads among them, that this process may use: of its affinity, and of its container's time."""
    granted = math.ceil(granted_processors(GROUPS, MY_GROUPS))
    return max(1, min(len(usable_numbers()), granted, LARGEST_THREADS))


def usable_numbers() -> list[int]:
    """Numbers of the processors that the system may run this process on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def core_of(number: int) -> str:
    """Name of the core that a processor is a hyper-thread of; of itself where the system does not say."""
    try:
        return (PROCESSORS / f"cpu{number}/topology/thread_siblings_list").read_text(encoding="ascii")
    except OSError:
        return str(number)


def granted_processors(groups: Path, mine: Path) -> float:
    """Processors whose time the control groups (cgroups) of Linux grant this process, or far too many without limit.

    groups: where they are mounted.  mine: the file that says which ones this process is in.
    """
    shares = [share for folder in group_folders(groups, mine) if (share := share_of(folder)) is not None]
    return min(shares, default=NO_LIMIT)


def group_folders(groups: Path, mine: Path) -> Iterator[Path]:
    """The folders of this process's groups, and all above them, which bind it too.

    In a container the paths may be those of its host: then only the topmost folder is there.
    """
    try:
        lines = mine.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = groups / controllers
        for part in (path.strip("/"), *map(str, Path(path.strip("/")).parents)):
            yield top / part


def share_of(folder: Path) -> float | None:
    """Processors that one group grants; None where it sets no limit.  Old systems write it in two files."""
    try:
        quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        try:
            quota = (folder / "cpu.cfs_quota_us").read_text(encoding="ascii").strip()
            period = (folder / "cpu.cfs_period_us").read_text(encoding="ascii").strip()
        except OSError:
            return None
    if quota in ("max", "-1"):
        return None
    return int(quota) / int(period)


def let_threads_sleep() -> None:
    """Let OpenMP's threads, which torch computes with, sleep while they wait.  It works only before torch is loaded.

    By default they spin.  Where another process wants a core, two that spin wait for each other's time on it: a step
    of training took 2 to 13 times as long as with one thread, and as long as with one where they sleep.  On an idle
    machine sleeping costs up to a third.  Whoever has set OMP_WAIT_POLICY has decided already.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
