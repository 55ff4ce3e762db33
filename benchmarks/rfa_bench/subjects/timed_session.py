"""A session that knows how much of its time goes to ONNX Runtime."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.session.binding import Binding
from rfa_runtime.session.step import StepSession


class TimedSession(StepSession):
    """A StepSession that adds up the seconds of its calls into ONNX Runtime."""

    def __init__(self, bundle: Bundle, threads: int | None = None, provider: str = "cpu") -> None:
        super().__init__(bundle, threads, provider)
        self.seconds = 0.0
        """In ONNX Runtime, so far."""
        self._binding: Binding | None = None
        self._bare_state = self.new_state()

    def bare_step(self) -> Callable[[], None]:
        """A step that does nothing but run the graph, over and over, with the buffers of a state that only it has."""
        self.step_token(0, self._bare_state)
        assert self._binding is not None, "a step has just been taken"
        return partial(self._run, self._binding)

    def _run(self, binding: Binding) -> None:
        self._binding = binding
        started = time.perf_counter()
        super()._run(binding)
        self.seconds += time.perf_counter() - started
