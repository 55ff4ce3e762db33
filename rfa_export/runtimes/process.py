"""A graph in another process, and both ends of the pipe to it.

Runtimes that are not ours run there: several in one process have crashed it.  Arrays go through the pipe as a line of
JSON with their names, types and shapes, then their bytes one after the other.  `web.mjs` reads and writes the same.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np

from rfa_export.runtimes.runtime import Arrays, Run


class Process:
    """This end: send a graph's inputs, receive its outputs.  The process ends with this object."""

    def __init__(self, command: Sequence[str | Path]) -> None:
        self.name = Path(command[0]).name
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.given = self.process.stdin
        self.answers = self.process.stdout

    def run(self, given: Arrays) -> Arrays:
        """Run the graph there.  Raises RuntimeError with what the other end says, or with how it ended."""
        with suppress(BrokenPipeError):  # its last words say why
            write_arrays(self.given, given)
        try:
            return read_arrays(self.answers)
        except EOFError:
            code = self.process.wait()
            raise RuntimeError(f"{self.name} ended without an answer, exit code {code}") from None

    def __del__(self) -> None:
        self.process.kill()
        self.process.communicate()


def python_process(module: str, *arguments: str | Path) -> Process:
    """Start one of the `serve_*.py` beside this file, by its full name."""
    return Process([sys.executable, "-m", module, *arguments])


def serve(load: Callable[[Path], Run]) -> None:
    """The other end: answer a graph's inputs with its outputs until no more come.

    load: reads the graph that the command line names.
    """
    # Only answers go to the pipe; what a library prints goes where errors go.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        run = load(Path(sys.argv[1]))
        while True:
            write_arrays(answers, run(read_arrays(sys.stdin.buffer)))
    except EOFError:
        return
    except Exception as error:  # runtimes raise many kinds
        write_error(answers, error)


def write_arrays(stream: IO[bytes], arrays: Arrays) -> None:
    """Send arrays by name."""
    head = []
    for name, array in arrays.items():
        head.append({"name": name, "type": array.dtype.name, "dims": array.shape})
    write_line(stream, {"arrays": head})
    for array in arrays.values():
        stream.write(array.tobytes())
    stream.flush()


def write_error(stream: IO[bytes], error: Exception) -> None:
    """Say what went wrong in place of an answer."""
    write_line(stream, {"error": f"{type(error).__name__}: {error}"})
    stream.flush()


def write_line(stream: IO[bytes], head: dict[str, object]) -> None:
    """Send what stands before the arrays."""
    stream.write(json.dumps(head).encode() + b"\n")


def read_arrays(stream: IO[bytes]) -> Arrays:
    """Receive what the other end wrote.  Raises EOFError where it is gone, RuntimeError with what it says."""
    line = stream.readline()
    if not line:
        raise EOFError
    head = json.loads(line)
    if "error" in head:
        raise RuntimeError(head["error"])
    found: Arrays = {}
    for entry in head["arrays"]:
        found[entry["name"]] = read_array(stream, entry["type"], entry["dims"])
    return found


def read_array(stream: IO[bytes], kind: str, dims: list[int]) -> np.ndarray:
    """One array.  Raises EOFError where it ends early."""
    size = int(np.prod(dims, dtype=np.int64)) * np.dtype(kind).itemsize
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return np.frombuffer(data, kind).reshape(dims)
