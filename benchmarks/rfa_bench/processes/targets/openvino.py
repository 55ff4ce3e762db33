"""A probe that decodes with OpenVINO."""

from __future__ import annotations

import numpy as np

from rfa_bench.processes.targets.probe import Step, measure
from rfa_export.runtimes.serve_openvino import compile_graph
from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.interface import INPUT_IDS, MODEL, role_in_bundle


def load(bundle: Bundle, target: str, threads: int, provider: str) -> Step:
    """A step of the graph, float32 between its operators; states go back in as they came out, without a copy."""
    graph = bundle.graph(role_in_bundle(MODEL, target))
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
    request = compile_graph(bundle.path / graph.file, settings).create_infer_request()
    given: dict[str, np.ndarray] = {name: np.zeros((1, 1), np.int64) for name in graph.inputs}
    states = bundle.manifest.state
    for state in states:
        given[state.past] = np.zeros(state.sizes(1), state.dtype)

    def step(token: int) -> None:
        given[INPUT_IDS][0, 0] = token
        found = request.infer(given, share_inputs=True)
        for state in states:
            given[state.past] = found[state.present]

    return step


if __name__ == "__main__":
    measure("openvino", load)
