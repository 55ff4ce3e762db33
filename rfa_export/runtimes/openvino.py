"""OpenVINO on the CPU."""

from __future__ import annotations

from pathlib import Path

from rfa_export.runtimes.process import python_process
from rfa_export.runtimes.runtime import Run, Runtime, installed_version


class OpenVino(Runtime):
    """OpenVINO in another process, one graph in each."""

    name = "openvino"
    steps = 256

    def version(self) -> str | None:
        """Of the Python package."""
        return installed_version("openvino")

    def load(self, file: Path, role: str, outputs: tuple[str, ...]) -> Run:
        """Compile the graph there."""
        return python_process("rfa_export.runtimes.serve_openvino", file).run
