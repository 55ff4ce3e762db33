"""onnxruntime-web under Node: what a browser runs, in WebAssembly."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from rfa_export.runtimes.runtime import Arrays, Run

SCRIPT = Path(__file__).with_name("web.cjs")
PATIENCE_S = 20


class OnnxRuntimeWeb:
    """As `Runtime`.  The package is looked up from the current folder: npm install onnxruntime-web."""

    name, steps = "onnxruntime-web", 256

    def version(self) -> str | None:
        """As Runtime.version."""
        return web_version()

    def load(self, file: Path, role: str, outputs: tuple[str, ...]) -> Run:
        """As Runtime.load."""
        weights = [path for path in file.parent.glob("*.data") if path.is_file()]
        return Process([file, *weights]).run


@cache
def web_version() -> str | None:
    """The version that Node finds."""
    if shutil.which("node") is None:
        return None
    try:
        found = subprocess.run(
            ["node", SCRIPT, "--version"], capture_output=True, text=True, timeout=PATIENCE_S, check=True
        )
    except (subprocess.SubprocessError, OSError):
        return None
    return found.stdout.strip() or None


class Process:
    """A graph in a process of its own; it ends with this object."""

    def __init__(self, arguments: list[Path]) -> None:
        self.process = subprocess.Popen(
            ["node", SCRIPT, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, given: Arrays) -> Arrays:
        """As `Run`.  Raises RuntimeError with what JavaScript says."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps({name: dump(array) for name, array in given.items()}) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:  # its last words say why
            pass
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("node ended without an answer")
        found = json.loads(line)
        if "error" in found:
            raise RuntimeError(found["error"])
        return {name: load(table) for name, table in found.items()}

    def __del__(self) -> None:
        self.process.kill()
        self.process.communicate()


def dump(array: np.ndarray) -> dict[str, Any]:
    """An array as JSON."""
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"type": array.dtype.name, "dims": array.shape, "data": data}


def load(table: dict[str, Any]) -> np.ndarray:
    """An array from JSON."""
    return np.frombuffer(base64.b64decode(table["data"]), table["type"]).reshape(table["dims"])
