"""The common export of softmax attention in ONNX Runtime, which copies its cache at every step."""

from __future__ import annotations

from pathlib import Path

from rfa_bench.processes.decoders.loop import NewTexts, answer
from rfa_bench.subjects.concatenated import ConcatenatedSteps


class Rows:
    """Texts whose past is noise: this graph reads single tokens only."""

    def __init__(self, graph: Path, threads: int, batch: int) -> None:
        self._steps: ConcatenatedSteps | None = None
        self._graph = graph
        self._threads = threads
        self._batch = batch

    def read(self, tokens: int) -> None:
        """Fill the past."""
        self._steps = ConcatenatedSteps(self._graph, self._threads, self._batch, tokens)

    def step(self) -> None:
        """Read one token more."""
        assert self._steps is not None, "texts of this export begin with a past"
        self._steps.step()


def load(file: Path, threads: int, provider: str) -> NewTexts:
    """A graph, loaded with its past."""
    return lambda batch, room: Rows(file, threads, batch)


if __name__ == "__main__":
    answer(load)
