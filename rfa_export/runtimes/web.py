"""The browser's package rfa-web under Node: what a page runs, in WebAssembly."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

from rfa_export.runtimes.process import Process
from rfa_export.runtimes.runtime import Run, Runtime

SCRIPT = Path(__file__).with_name("web.mjs")
PATIENCE_S = 20
"""For Node to find the packages."""
LARGEST = 2 << 30
"""Bytes of a file that Node reads at once."""


class OnnxRuntimeWeb(Runtime):
    """onnxruntime-web in Node, opened by rfa-web.  Both packages are looked up from the current folder."""

    name = "onnxruntime-web"
    steps = 256

    def version(self) -> str | None:
        """Of onnxruntime-web."""
        return web_version()

    def objection(self, folder: Path) -> str | None:
        """Node reads no file of over 2 GiB at once."""
        for file in folder.iterdir():
            if file.stat().st_size > LARGEST:
                return f"{file.name} is over 2 GiB"
        return None

    def load(self, file: Path, role: str, outputs: tuple[str, ...]) -> Run:
        """Open a session in Node, with the weights that lie beside the graph."""
        weights = [path for path in file.parent.glob("*.data") if path.is_file()]
        return Process(["node", SCRIPT, file, *weights]).run


@cache
def web_version() -> str | None:
    """The version that Node finds; None where there is no Node, or one of the packages is missing."""
    if shutil.which("node") is None:
        return None
    try:
        found = subprocess.run(
            ["node", SCRIPT, "--version"], capture_output=True, text=True, timeout=PATIENCE_S, check=True
        )
    except (subprocess.SubprocessError, OSError):
        return None
    return found.stdout.strip() or None
