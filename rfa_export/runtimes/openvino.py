"""OpenVINO on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rfa_export.runtimes.packages import installed_version
from rfa_export.runtimes.runtime import Arrays, Run

try:
    import openvino
except ImportError:  # it is an extra: `version` says so
    openvino = None

FLOAT32 = {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0"}
"""It would compute in bfloat16 where the processor can, and round what it multiplies by quantised weights."""


class OpenVino:
    """As `Runtime`."""

    name, steps = "openvino", 256

    def version(self) -> str | None:
        """As Runtime.version."""
        return installed_version("openvino") if openvino is not None else None

    def load(self, file: Path, role: str, outputs: tuple[str, ...]) -> Run:
        """As Runtime.load."""
        core = openvino.Core()
        compiled: Any = core.compile_model(core.read_model(file), "CPU", FLOAT32)
        names = [output.get_any_name() for output in compiled.outputs]

        def run(given: Arrays) -> Arrays:
            found = compiled(given)
            return {name: np.array(found[index]) for index, name in enumerate(names)}

        return run
