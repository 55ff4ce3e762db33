"""PyTorch without compiling: RFA in its one-token form, softmax with a cache that grows by concatenation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from rfa_bench.processes.decoders.loop import NewTexts, answer
from rfa_models.checkpoints.checkpoint import load_checkpoint
from rfa_models.networks.language_model import LanguageModel

CHUNK = 512


class Rows:
    """Texts and their states."""

    def __init__(self, model: LanguageModel, batch: int) -> None:
        self._model = model
        self._batch = batch
        self._states: list[Any] | None = None
        self._length = 0

    def read(self, tokens: int) -> None:
        """In chunks, as our runtime does."""
        end = self._length + tokens
        while self._length < end:
            self._advance(min(CHUNK, end - self._length))

    def step(self) -> None:
        """One token more, and its logits."""
        self._advance(1)

    @torch.inference_mode()
    def _advance(self, count: int) -> None:
        ids = torch.ones(self._batch, count, dtype=torch.int64)
        positions = torch.arange(self._length, self._length + count).expand(self._batch, -1)
        _, self._states = self._model.step(ids, positions, None, self._states)
        self._length += count


def load(file: Path, threads: int, provider: str) -> NewTexts:
    """A checkpoint."""
    torch.set_num_threads(threads)
    model = load_checkpoint(file).model.eval()
    assert isinstance(model, LanguageModel)
    return lambda batch, room: Rows(model, batch)


if __name__ == "__main__":
    answer(load)
