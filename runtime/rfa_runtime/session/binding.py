"""All buffers of one kind of step, bound once: a step then only writes its token ids.

Letters: B rows, T tokens, N vocabulary.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rfa_runtime.bundle.interface import (
    INPUT_IDS,
    LOGITS,
    POSITION_IDS,
    SEQLENS_K,
    TOP_LOGIT,
    TOP_TOKEN,
    TOTAL_SEQUENCE_LENGTH,
)
from rfa_runtime.bundle.manifest import GraphSpec
from rfa_runtime.session.buffer import Buffer
from rfa_runtime.session.state import State

KNOWN_OUTPUTS = {LOGITS: np.float32, TOP_LOGIT: np.float32, TOP_TOKEN: np.int64}


class Binding:
    """The inputs and outputs of steps of T tokens on one state."""

    def __init__(self, session: Any, graph: GraphSpec, vocab_size: int, state: State, count: int) -> None:
        self.session, self.graph, self.count, self.batch = session, graph, count, state.batch
        self._offsets = np.arange(count)
        device = next((buffer.device for buffer in state.buffers.values()), "cpu")
        self.inputs = {name: self._input(name, device) for name in graph.inputs}
        self._ids = self.inputs[INPUT_IDS]
        self._others = [(name, buffer) for name, buffer in self.inputs.items() if name != INPUT_IDS]
        # At one token, position and index of the last valid token are both the number of tokens before.
        self._counters = [
            (buffer.items, int(name == TOTAL_SEQUENCE_LENGTH)) for name, buffer in self._others if buffer.items
        ]
        self._id = self._ids.items
        positions = 1 if graph.logits == "last" else count
        # On the CPU: sampling happens there, and ONNX Runtime copies the output from wherever it was computed.
        outputs = {
            name: Buffer(np.empty((state.batch, positions, vocab_size if name == LOGITS else 1), KNOWN_OUTPUTS[name]))
            for name in graph.outputs
        }
        logits = outputs[LOGITS].read()
        self.logits = logits[:, 0] if graph.logits == "last" else logits
        """[B, N] or [B, T, N]: overwritten by every step."""
        self.top: tuple[Any, Any] | None = None
        if TOP_TOKEN in outputs and TOP_LOGIT in outputs:
            self.top = outputs[TOP_TOKEN].items, outputs[TOP_LOGIT].items
        """The most likely token of each row and its logit, where the graph gives them."""
        self.io = self._bind(state, outputs)

    def write(self, input_ids: np.ndarray, state: State) -> None:
        """Fill in the inputs of the next step.  input_ids: int64 [B, T]."""
        self._ids.write(input_ids)
        for name, buffer in self._others:
            buffer.write(self._contents(name, state))

    def write_token(self, token: int, state: State) -> None:
        """Fill in the inputs of the next step, for one row and one token."""
        if self._id is None:  # on another device
            return self.write(np.array([[token]], np.int64), state)
        self._id[0], before = token, state.longest
        for items, ahead in self._counters:
            items[0] = before + ahead

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

    def _bind(self, state: State, outputs: dict[str, Buffer]) -> Any:
        io = self.session.io_binding()
        for name, buffer in self.inputs.items():
            io.bind_ortvalue_input(name, buffer.value)
        for spec in state.specs:  # past and present share their memory: nothing is allocated or copied in a step
            io.bind_ortvalue_input(spec.past, state.buffers[spec.past].value)
            if spec.kind != "cross":
                io.bind_ortvalue_output(spec.present, state.buffers[spec.past].value)
        for name, buffer in outputs.items():
            io.bind_ortvalue_output(name, buffer.value)
        return io
