"""Arrays through a pipe: a line of JSON with their names, types and shapes, then their bytes one after the other.

web.cjs reads and writes the same.
"""

from __future__ import annotations

import json
from typing import BinaryIO

import numpy as np

from rfa_export.runtimes.runtime import Arrays


def write_arrays(stream: BinaryIO, arrays: Arrays) -> None:
    """Send arrays by name."""
    head = [{"name": name, "type": array.dtype.name, "dims": array.shape} for name, array in arrays.items()]
    stream.write(json.dumps({"arrays": head}).encode() + b"\n")
    for array in arrays.values():
        stream.write(array.tobytes())
    stream.flush()


def write_error(stream: BinaryIO, error: Exception) -> None:
    """Say what went wrong in place of an answer."""
    stream.write(json.dumps({"error": f"{type(error).__name__}: {error}"}).encode() + b"\n")
    stream.flush()


def read_arrays(stream: BinaryIO) -> Arrays:
    """Receive what the other side wrote.  Raises EOFError where it is gone, RuntimeError with what it says."""
    line = stream.readline()
    if not line:
        raise EOFError
    head = json.loads(line)
    if "error" in head:
        raise RuntimeError(head["error"])
    return {entry["name"]: read_array(stream, entry["type"], entry["dims"]) for entry in head["arrays"]}


def read_array(stream: BinaryIO, kind: str, dims: list[int]) -> np.ndarray:
    """One array.  Raises EOFError where it ends early."""
    size = int(np.prod(dims, dtype=np.int64)) * np.dtype(kind).itemsize
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return np.frombuffer(data, kind).reshape(dims)
