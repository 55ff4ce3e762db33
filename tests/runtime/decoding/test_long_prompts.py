from __future__ import annotations

import tracemalloc
from typing import cast

import numpy as np

from rfa_runtime.decoding.prompt import CHUNK, read_in_chunks
from rfa_runtime.session.state import State
from rfa_runtime.session.step import StepSession


class Listener:
    """Stands for a session: keeps the shape of what it reads."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def step(self, input_ids: np.ndarray, state: object) -> np.ndarray:
        assert input_ids.dtype == np.int64
        self.shapes.append(input_ids.shape)
        return np.zeros((1, 1), np.float32)


def test_a_prompt_is_read_in_steps_and_never_copied_as_a_whole() -> None:
    ids = [1] * (200 * CHUNK + 3)
    session = Listener()
    tracemalloc.start()
    try:
        read_in_chunks(cast(StepSession, session), ids, cast(State, None))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert session.shapes == [(1, CHUNK)] * 200 + [(1, 3)]
    assert peak < len(ids)  # bytes; a copy has 8 for each token
