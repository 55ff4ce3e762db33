"""Our own runtime: RFA with a state of fixed size, softmax with a cache that lies in one buffer."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rfa_bench.processes.decoders.loop import NewTexts, answer
from rfa_runtime.bundle.bundle import read_bundle
from rfa_runtime.bundle.interface import MODEL, OUR_TARGET, role_in_bundle
from rfa_runtime.decoding.prompt import read_in_chunks
from rfa_runtime.session.state import State
from rfa_runtime.session.step import StepSession


class Rows:
    """Rows of one state."""

    def __init__(self, session: StepSession, batch: int, room: int) -> None:
        self._session = session
        self._batch = batch
        self._state: State | None = None
        self._alone = session.new_state(1, capacity=room)
        self._ids = np.ones((batch, 1), np.int64)

    def read(self, tokens: int) -> None:
        """One row reads, and is copied to the others."""
        rng = np.random.default_rng(0)
        ids = rng.integers(0, self._session.vocab_size, tokens).tolist()
        read_in_chunks(self._session, ids, self._alone)

    def step(self) -> None:
        """As the decoder takes it: the token of a single row is an int."""
        if self._batch == 1:
            self._session.step_token(1, self._alone)
            return
        if self._state is None:
            self._state = self._alone.select([0] * self._batch)
        self._session.step(self._ids, self._state)


def load(file: Path, threads: int, provider: str, target: str = OUR_TARGET) -> NewTexts:
    """A bundle.  target: whose graph decodes, of those that ONNX Runtime reads."""
    role = role_in_bundle(MODEL, target)
    session = StepSession(read_bundle(file), threads=threads, provider=provider, graph=role)
    return lambda batch, room: Rows(session, batch, room)


if __name__ == "__main__":
    answer(load)
