"""onnxruntime-genai, which loads a folder by its genai_config.json and keeps the state to itself."""

from __future__ import annotations

from pathlib import Path

from rfa_export.runtimes.process import python_process
from rfa_export.runtimes.runtime import Run, Runtime, installed_version


class GenAi(Runtime):
    """onnxruntime-genai in another process, one text in each."""

    name = "onnxruntime-genai"
    steps = 256

    def version(self) -> str | None:
        """Of the Python package."""
        return installed_version("onnxruntime-genai")

    def load(self, file: Path, role: str, outputs: tuple[str, ...]) -> Run:
        """Load the folder for one text: calls go on from one another, and give no states."""
        return python_process("rfa_export.runtimes.serve_genai", file).run
