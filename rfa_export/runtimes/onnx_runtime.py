"""ONNX Runtime on the CPU, as any program uses it: arrays in, arrays out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime

from rfa_export.runtimes.runtime import Arrays, Run, Runtime
from rfa_runtime.session.ort import OLDEST, installed_version, open_session


class OnnxRuntime(Runtime):
    """ONNX Runtime without what our own runtime does around it: no binding, no buffers."""

    name = "onnxruntime"
    steps = 256

    def __init__(self, oldest: tuple[int, ...] = OLDEST) -> None:
        """oldest: version that reads the target's graphs."""
        self.oldest = oldest

    def version(self) -> str | None:
        """Of the Python package."""
        return str(onnxruntime.__version__)

    def objection(self, folder: Path) -> str | None:
        """That it is too old for the target's graphs."""
        if installed_version() >= self.oldest:
            return None
        wanted = ".".join(map(str, self.oldest))
        return f"version {self.version()} is installed, wanted {wanted} or newer"

    def load(self, file: Path, role: str, outputs: tuple[str, ...]) -> Run:
        """Open a session."""
        session = open_session(file, None, "cpu")
        names = [value.name for value in session.get_outputs()]

        def run(given: Arrays) -> Arrays:
            found: list[np.ndarray] = session.run(names, given)
            return dict(zip(names, found, strict=True))

        return run
