"""A process that decodes with OpenVINO."""

from __future__ import annotations

import numpy as np
import openvino

from rfa_bench.processes.target_probe import Step, measure
from rfa_runtime.bundle.bundle import Bundle


def load(bundle: Bundle, target: str, threads: int) -> Step:
    """The graph of one token, float32."""
    core, spec = openvino.Core(), bundle.graph(f"model.{target}")
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
    request = core.compile_model(core.read_model(bundle.path / spec.file), "CPU", options).create_infer_request()
    given = inputs_of(bundle, spec.inputs)
    states = bundle.manifest.state

    def step(token: int) -> None:
        given["input_ids"][0, 0] = token
        found = request.infer(given, share_inputs=True)
        given.update({state.past: found[state.present] for state in states})

    return step


def inputs_of(bundle: Bundle, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Zeros for every input of one token, states included."""
    states = {state.past: np.zeros(state.sizes(1), state.dtype) for state in bundle.manifest.state}
    return {name: np.zeros((1, 1), np.int64) for name in names} | states


if __name__ == "__main__":
    measure("openvino", load)
