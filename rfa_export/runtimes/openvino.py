"""OpenVINO on the CPU."""

from __future__ import annotations

from pathlib import Path

from rfa_export.runtimes.packages import installed_version
from rfa_export.runtimes.process import python_process
from rfa_export.runtimes.runtime import Run, Runtime


class OpenVino(Runtime):
    """As `Runtime`."""

    name, steps = "openvino", 256

    def version(self) -> str | None:
        """As Runtime.version."""
        return installed_version("openvino")

    def load(self, file: Path, role: str, outputs: tuple[str, ...]) -> Run:
        """As Runtime.load."""
        return python_process("rfa_export.runtimes.serve_openvino", file).run
