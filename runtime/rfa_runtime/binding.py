"""All buffers of one kind of step, bound once: a step then only writes its token ids.

Letters: B rows, T tokens, N vocabulary.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rfa_runtime.buffer import Buffer
from rfa_runtime.manifest import GraphSpec
from rfa_runtime.state import State

INPUT_IDS, POSITION_IDS, LOGITS = "input_ids", "position_ids", "logits"
SEQLENS_K, TOTAL_SEQUENCE_LENGTH = "seqlens_k", "total_sequence_length"
KNOWN_INPUTS = (INPUT_IDS, POSITION_IDS, SEQLENS_K, TOTAL_SEQUENCE_LENGTH)


class Binding:
    """The inputs and outputs of steps of T tokens on one state."""

    def __init__(self, session: Any, graph: GraphSpec, vocab_size: int, state: State, count: int) -> None:
        self.session, self.graph, self.count, self.batch = session, graph, count, state.batch
        self._offsets = np.arange(count)
        device = next((buffer.device for buffer in state.buffers.values()), "cpu")
        self.inputs = {name: self._input(name, device) for name in graph.inputs}
        self._ids = self.inputs[INPUT_IDS]
        self._others = [(name, buffer) for name, buffer in self.inputs.items() if name != INPUT_IDS]
        positions = 1 if graph.logits == "last" else count
        # On the CPU: sampling happens there, and ONNX Runtime copies the output from wherever it was computed.
        logits = Buffer(np.empty((state.batch, positions, vocab_size), np.float32))
        self.logits = logits.read()[:, 0] if graph.logits == "last" else logits.read()
        """[B, N] or [B, T, N]: overwritten by every step."""
        self.io = self._bind(state, logits)

    def write(self, input_ids: np.ndarray, state: State) -> None:
        """Fill in the inputs of the next step.  input_ids: int64 [B, T]."""
        self._ids.write(input_ids)
        for name, buffer in self._others:
            buffer.write(self._contents(name, state))

    def write_token(self, token: int, state: State) -> None:
        """Fill in the inputs of the next step, for one row and one token."""
        self._ids.write_number(token)
        for name, buffer in self._others:  # position and last valid index are both the number of tokens before
            buffer.write_number(state.longest + (name == TOTAL_SEQUENCE_LENGTH))

    def _contents(self, name: str, state: State) -> np.ndarray | int:
        if name == POSITION_IDS:
            return state.lengths[:, None] + self._offsets
        if name == SEQLENS_K:  # the operator wants the index of the last valid token, not their number
            return state.lengths + (self.count - 1)
        return state.longest + self.count  # TOTAL_SEQUENCE_LENGTH

    def _input(self, name: str, device: str) -> Buffer:
        batch = self.batch
        if name == TOTAL_SEQUENCE_LENGTH:  # a scalar that the operator reads on the CPU, whatever it runs on
            return Buffer(np.zeros((), np.int32))
        if name == SEQLENS_K:
            return Buffer(np.zeros(batch, np.int32), device)
        return Buffer(np.zeros((batch, self.count), np.int64), device)

    def _bind(self, state: State, logits: Buffer) -> Any:
        io = self.session.io_binding()
        for name, buffer in self.inputs.items():
            io.bind_ortvalue_input(name, buffer.value)
        for spec in state.specs:  # past and present share their memory: nothing is allocated or copied in a step
            io.bind_ortvalue_input(spec.past, state.buffers[spec.past].value)
            io.bind_ortvalue_output(spec.present, state.buffers[spec.past].value)
        io.bind_ortvalue_output(LOGITS, logits.value)
        return io
