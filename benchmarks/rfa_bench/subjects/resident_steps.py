"""Steps of one token whose buffers, the logits among them, never leave the device.

That is what a CUDA graph needs: it replays what was done at the same addresses.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.bundle.interface import INPUT_IDS, LOGITS, MODEL, POSITION_IDS, TOP_LOGIT, TOP_TOKEN
from rfa_runtime.errors import SessionError
from rfa_runtime.session.buffer import Buffer
from rfa_runtime.session.loaded import KNOWN_OUTPUTS
from rfa_runtime.session.ort import open_session, run_error
from rfa_runtime.session.state import State

NO_SETTINGS: Mapping[str, str] = {}


class ResidentSteps:
    """One row of a model with a state of fixed size, whose graph names the most likely token."""

    def __init__(self, bundle: Bundle, provider: str, settings: Mapping[str, str] = NO_SETTINGS) -> None:
        """Load the step graph.  settings: of the provider.  Raises SessionError for a graph that takes other inputs."""
        graph = bundle.graph(MODEL)
        if set(graph.inputs) - {INPUT_IDS, POSITION_IDS} or not {TOP_TOKEN, TOP_LOGIT} <= set(graph.outputs):
            raise SessionError(f"{graph.file} takes {graph.inputs} and gives {graph.outputs}: no state of fixed size")
        file = bundle.path / graph.file
        self._file = graph.file
        self._session = open_session(file, 1, provider, settings=settings)
        self._state = State.zeros(bundle.manifest.state, 1, device=provider)
        self._inputs = {name: Buffer(np.zeros((1, 1), np.int64), provider) for name in graph.inputs}
        self._outputs = {}
        for name in graph.outputs:
            width = bundle.manifest.vocab_size if name == LOGITS else 1
            self._outputs[name] = Buffer(np.zeros((1, 1, width), KNOWN_OUTPUTS[name]), provider)
        self._position = 0
        self._io = self._session.io_binding()
        self._bind()

    def step(self, token: int) -> tuple[int, float]:
        """Read a token.  Returns the most likely next one, and its logit."""
        self._inputs[INPUT_IDS].write(np.array([[token]]))
        if POSITION_IDS in self._inputs:
            self._inputs[POSITION_IDS].write(np.array([[self._position]]))
        try:
            self._session.run_with_iobinding(self._io)
        except Exception as error:  # ONNX Runtime's exceptions share no parent below this one
            raise run_error(self._file, error) from error
        self._position += 1
        return self._outputs[TOP_TOKEN].read().item(), self._outputs[TOP_LOGIT].read().item()

    def forget(self) -> None:
        """Begin a new text in the same buffers."""
        self._state.reset()
        self._position = 0

    def _bind(self) -> None:
        for name, buffer in self._inputs.items():
            self._io.bind_ortvalue_input(name, buffer.value)
        for spec in self._state.specs:
            buffer = self._state.buffers[spec.past]
            self._io.bind_ortvalue_input(spec.past, buffer.value)
            self._io.bind_ortvalue_output(spec.present, buffer.value)
        for name, buffer in self._outputs.items():
            self._io.bind_ortvalue_output(name, buffer.value)
