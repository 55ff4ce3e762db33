"""A graph in a process of its own, as every runtime has it that is not ours: several in one process have crashed it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

from rfa_export.runtimes.frames import read_arrays, write_arrays
from rfa_export.runtimes.runtime import Arrays


class Process:
    """Speaks as `frames.py` writes it, and ends with this object."""

    def __init__(self, command: Sequence[str | Path]) -> None:
        self.name = Path(command[0]).name
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def run(self, given: Arrays) -> Arrays:
        """As `Run`.  Raises RuntimeError with what the other side says, or with how it ended."""
        with suppress(BrokenPipeError):  # its last words say why
            write_arrays(cast(BinaryIO, self.process.stdin), given)
        try:
            return read_arrays(cast(BinaryIO, self.process.stdout))
        except EOFError:
            code = self.process.wait()
            raise RuntimeError(f"{self.name} ended without an answer, exit code {code}") from None

    def __del__(self) -> None:
        self.process.kill()
        self.process.communicate()


def python_process(module: str, *arguments: str | Path) -> Process:
    """One of the `serve_*.py` beside this file, by its full name."""
    return Process([sys.executable, "-m", module, *arguments])
