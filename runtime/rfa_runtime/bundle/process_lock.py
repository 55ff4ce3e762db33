"""One writer at a time: a lock on a name, which the system releases when its process ends, however it ends.

While NAME is written, `.NAME.lock` lies beside it and says which process writes.  Only the system's lock on that file
counts, so one that a killed process left stops nobody.  On a file system without locks, as some network drives are,
nobody is kept out: work goes on there as if it were alone.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from rfa_runtime.errors import OutputBusyError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

WRITER = re.compile(rb"(\d{1,10}) ([\w.-]{1,255})\n")
"""What a lock's file says: the number of a process, and its machine."""
WINDOWS_BYTE = 1 << 30
"""Windows locks bytes, and nobody else may read them: one far behind what the file says."""
MINE: ContextVar[Mapping[Path, bool]] = ContextVar("MINE", default=MappingProxyType({}))
"""The lock files that this thread holds, and whether the system locked them."""


@dataclass(frozen=True)
class Lock:
    """A lock's file that is open."""

    handle: int
    file: Path
    locked: bool
    """False where the file system has no locks."""

    def release(self) -> None:
        """Let others write, and take the file away."""
        if sys.platform == "win32":  # a file that is open cannot be removed there
            os.close(self.handle)
            with suppress(OSError):
                self.file.unlink()
        else:  # removed while it is still locked: nobody else can have locked it yet
            self.file.unlink(missing_ok=True)
            os.close(self.handle)


@contextmanager
def writing(target: Path | str, nested: bool = False) -> Iterator[bool]:
    """Keep everybody else from writing `target` inside the block.

    nested: this block may stand in another one of the same thread that keeps `target` already.
    Gives True, or False where the file system has no locks and others may be writing too.
    Raises OutputBusyError, which names the process that writes; OSError where nothing can be written beside `target`.
    """
    file = lock_file(target)
    mine = MINE.get()
    if nested and file in mine:
        yield mine[file]
        return
    lock = acquire(file, target)
    token = MINE.set({**mine, file: lock.locked})
    try:
        yield lock.locked
    finally:
        MINE.reset(token)
        lock.release()


def check_idle(target: Path | str) -> None:
    """Raise OutputBusyError where somebody writes `target` now: to say so before long work begins."""
    with writing(target):
        pass


def lock_file(target: Path | str) -> Path:
    """The lock's file of a target, the same one for all names of the target."""
    real = Path(os.path.realpath(target))
    return real.with_name(f".{real.name}.lock")


def acquire(file: Path, target: Path | str) -> Lock:
    """Open and lock a lock's file, and note in it who has it.  Raises OutputBusyError."""
    while True:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        try:
            locked = system_lock(handle)
        except BlockingIOError as error:
            writer = read_writer(handle)
            os.close(handle)
            raise OutputBusyError(
                f"{target} is being written by {writer}: wait for it, or give another name"
            ) from error
        if is_file(handle, file):
            note_writer(handle)
            return Lock(handle, file, locked)
        os.close(handle)  # whoever had it took it away in the meantime: what was locked has no name any more


def system_lock(handle: int) -> bool:
    """Lock an open file until it is closed.  Returns False where there are no locks.

    Raises BlockingIOError where another has it.
    """
    if sys.platform == "win32":
        os.lseek(handle, WINDOWS_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(str(error)) from error
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True


def is_file(handle: int, file: Path) -> bool:
    """Whether an open file still has this name."""
    try:
        return os.path.samestat(os.fstat(handle), file.stat())
    except FileNotFoundError:
        return False


def note_writer(handle: int) -> None:
    """Write which process has a lock into its file."""
    os.ftruncate(handle, 0)
    os.lseek(handle, 0, os.SEEK_SET)
    os.write(handle, f"{os.getpid()} {socket.gethostname()}\n".encode())


def read_writer(handle: int) -> str:
    """Read which process has a lock, in words."""
    os.lseek(handle, 0, os.SEEK_SET)
    found = WRITER.fullmatch(os.read(handle, 300))
    if found is None:
        return "another process"
    number, machine = found.groups()
    return f"process {number.decode()} on {machine.decode()}"
