"""A step of a graph without our runtime: by arrays, and by buffers that are bound once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime as ort

from rfa_export.tasks.step_graph import STEP_OUTPUTS
from rfa_runtime.session.ort import open_session

Step = Callable[[], object]


def array_step(graph: Path, threads: int, provider: str = "cpu") -> Step:
    """One step by `session.run`: the present state comes out as new arrays and goes in as the next past."""
    session = open_session(graph, threads, provider)
    feeds = {value.name: zeros(value) for value in session.get_inputs()}
    outputs = [value.name for value in session.get_outputs()]

    def step() -> None:
        for name, array in zip(outputs, session.run(outputs, feeds), strict=True):
            if name not in STEP_OUTPUTS:
                feeds[past_of(name)] = array

    return step


def bare_step(graph: Path, threads: int, provider: str = "cpu") -> Step:
    """One step through io_binding, every buffer bound once: the least that a step can cost."""
    session = open_session(graph, threads, provider)
    binding = session.io_binding()
    buffers = {}
    for value in session.get_inputs():
        buffers[value.name] = buffer(value, provider)
        binding.bind_ortvalue_input(value.name, buffers[value.name])
    for value in session.get_outputs():
        past = past_of(value.name)
        binding.bind_ortvalue_output(value.name, buffers[past] if past in buffers else buffer(value, "cpu"))
    return lambda: session.run_with_iobinding(binding)


def past_of(present: str) -> str:
    """The input that takes what a step gives as this output; the same name where the output is no state."""
    return present.replace("present", "past_key_values")


def buffer(value: ort.NodeArg, device: str) -> ort.OrtValue:
    """Zeros of an input's or output's shape at batch 1 and one token, on a device."""
    return ort.OrtValue.ortvalue_from_numpy(zeros(value), device)


def zeros(value: ort.NodeArg) -> np.ndarray:
    """The same as an array."""
    shape = [size if isinstance(size, int) else 1 for size in value.shape]
    dtype = np.int64 if "int64" in value.type else np.float32
    return np.zeros(shape, dtype)
