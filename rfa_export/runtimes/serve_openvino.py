"""A process with one graph in OpenVINO, on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openvino

from rfa_export.runtimes.process import serve
from rfa_export.runtimes.runtime import Arrays, Run

FLOAT32 = {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0"}
"""It would compute in bfloat16 where the processor can, and round what it multiplies by quantized weights."""


def load(file: Path) -> Run:
    """Compile a graph that computes in float32."""
    compiled = compile_graph(file, FLOAT32)

    def run(given: Arrays) -> Arrays:
        found = compiled(given)
        # The runtime may write into the same memory again: keep copies.
        return {output.get_any_name(): np.array(found[output]) for output in compiled.outputs}

    return run


def compile_graph(file: Path, settings: dict[str, Any]) -> Any:
    """A graph for the CPU, by settings of OpenVINO's."""
    core = openvino.Core()
    return core.compile_model(core.read_model(file), "CPU", settings)


if __name__ == "__main__":
    serve(load)
