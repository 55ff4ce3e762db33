"""OpenVINO, with the states of one text going in and out of its graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rfa_bench.processes.decoders.loop import NewTexts, answer
from rfa_export.runtimes.serve_openvino import compile_graph
from rfa_runtime.bundle.bundle import Bundle, read_bundle
from rfa_runtime.bundle.interface import INPUT_IDS, MODEL, POSITION_IDS, role_in_bundle


class Text:
    """One text.  States go back in as they came out, without a copy."""

    def __init__(self, request: Any, bundle: Bundle, inputs: list[str]) -> None:
        self._request = request
        self._states = bundle.manifest.state
        self._given: dict[str, np.ndarray] = {name: np.zeros((1, 1), np.int64) for name in inputs}
        for state in self._states:
            self._given[state.past] = np.zeros(state.sizes(1), state.dtype)
        self._length = 0

    def read(self, tokens: int) -> None:
        """Token by token: this runtime takes longer where the lengths of its calls differ."""
        for _ in range(tokens):
            self.step()

    def step(self) -> None:
        """One token more, and its logits."""
        self._given[INPUT_IDS][0, 0] = 1
        if POSITION_IDS in self._given:
            self._given[POSITION_IDS][0, 0] = self._length
        found = self._request.infer(self._given, share_inputs=True)
        for state in self._states:
            self._given[state.past] = found[state.present]
        self._length += 1


def load(file: Path, threads: int, provider: str) -> NewTexts:
    """A bundle's graph of ordinary operators, float32 between them."""
    bundle = read_bundle(file)
    graph = bundle.graph(role_in_bundle(MODEL, "plain"))
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
    compiled = compile_graph(bundle.path / graph.file, settings)
    return lambda batch, room: Text(compiled.create_infer_request(), bundle, list(graph.inputs))


if __name__ == "__main__":
    answer(load)
