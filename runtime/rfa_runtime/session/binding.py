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
from rfa_runtime.session.buffer import Buffer
from rfa_runtime.session.loaded import KNOWN_OUTPUTS, LoadedGraph
from rfa_runtime.session.state import State


class Binding:
    """The inputs and outputs of steps of T tokens on one state.

    It is made for the buffers that the state has now: `moves` says whether it still has them.
    """

    def __init__(self, loaded: LoadedGraph, vocab_size: int, state: State, count: int) -> None:
        graph = loaded.spec
        self.count = count
        """T."""
        self.batch = state.batch
        self.moves = state.moves
        self.graph = loaded
        """What the steps run."""
        self._offsets = np.arange(count)
        self._inputs = {name: self._input(name, state.device) for name in graph.inputs}
        self._ids = self._inputs[INPUT_IDS]
        self._id = self._ids.items
        self._others = [(name, buffer) for name, buffer in self._inputs.items() if name != INPUT_IDS]
        self._counters = counters(self._others)
        last = graph.logits == "last"
        outputs = {name: self._output(name, 1 if last else count, vocab_size) for name in graph.outputs}
        logits = outputs[LOGITS].read()
        self.logits = logits[:, 0] if last else logits
        """[B, N] or [B, T, N]: overwritten by every step."""
        self.top: tuple[Any, Any] | None = None
        """The most likely token of each row and its logit, where the graph gives them."""
        if TOP_TOKEN in outputs and TOP_LOGIT in outputs:
            self.top = (outputs[TOP_TOKEN].items, outputs[TOP_LOGIT].items)
        self.io = self._bind(state, outputs)

    def fits(self, state: State, count: int) -> bool:
        """Whether it serves for steps of this many tokens on the buffers that the state has now."""
        return self.count == count and self.moves == state.moves

    def write(self, input_ids: np.ndarray, state: State) -> None:
        """Fill in the inputs of the next step.  input_ids: int64 [B, T]."""
        self._ids.write(input_ids)
        for name, buffer in self._others:
            buffer.write(self._contents(name, state))

    def write_token(self, token: int, state: State) -> None:
        """Fill in the inputs of the next step, for one row and one token."""
        if self._id is None:  # on another device
            return self.write(np.array([[token]], np.int64), state)
        self._id[0] = token
        before = state.longest
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

    def _output(self, name: str, positions: int, vocab_size: int) -> Buffer:
        """On the CPU: sampling happens there, and ONNX Runtime copies the output from wherever it was computed."""
        width = vocab_size if name == LOGITS else 1
        return Buffer(np.empty((self.batch, positions, width), KNOWN_OUTPUTS[name]))

    def _bind(self, state: State, outputs: dict[str, Buffer]) -> Any:
        io = self.graph.session.io_binding()
        for name, buffer in self._inputs.items():
            io.bind_ortvalue_input(name, buffer.value)
        for spec in state.specs:  # past and present share their memory: nothing is allocated or copied in a step
            io.bind_ortvalue_input(spec.past, state.buffers[spec.past].value)
            if spec.kind != "cross":
                io.bind_ortvalue_output(spec.present, state.buffers[spec.past].value)
        for name, buffer in outputs.items():
            io.bind_ortvalue_output(name, buffer.value)
        return io


def counters(inputs: list[tuple[str, Buffer]]) -> list[tuple[Any, int]]:
    """The inputs that count tokens, with what each is ahead of the tokens before a step of one token.

    Position and index of the last valid token are both the number of tokens before; the total is one more.
    """
    found = []
    for name, buffer in inputs:
        if buffer.items:
            found.append((buffer.items, 1 if name == TOTAL_SEQUENCE_LENGTH else 0))
    return found
