"""torch.jit, with the states of one text going in and out of the module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from rfa_bench.processes.decoders.loop import NewTexts, answer
from rfa_runtime.bundle.bundle import Bundle, read_bundle
from rfa_runtime.bundle.interface import POSITION_IDS


class Text:
    """One text.  Tokens and positions go in first, then the states, which come out last."""

    def __init__(self, module: Any, bundle: Bundle, inputs: list[str]) -> None:
        self._module = module
        self._names = inputs
        self._inputs = [torch.ones(1, 1, dtype=torch.int64) for _ in inputs]
        self._states = [torch.zeros(state.sizes(1)) for state in bundle.manifest.state]
        self._length = 0

    def read(self, tokens: int) -> None:
        """Token by token: the module has a method of one token."""
        for _ in range(tokens):
            self.step()

    @torch.inference_mode()
    def step(self) -> None:
        """One token more, and its logits."""
        if POSITION_IDS in self._names:
            self._inputs[self._names.index(POSITION_IDS)][0, 0] = self._length
        _, *self._states[:] = self._module(*self._inputs, *self._states)
        self._length += 1


def load(file: Path, threads: int, provider: str) -> NewTexts:
    """A bundle's module."""
    torch.set_num_threads(threads)
    bundle = read_bundle(file)
    graph = bundle.graph("model.torchscript")
    module = torch.jit.load(bundle.path / graph.file)
    return lambda batch, room: Text(module, bundle, list(graph.inputs))


if __name__ == "__main__":
    answer(load)
