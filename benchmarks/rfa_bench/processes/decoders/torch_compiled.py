"""Softmax in PyTorch at its best: compiled, its cache in buffers of a fixed size."""

from __future__ import annotations

from pathlib import Path

import torch

from rfa_bench.processes.decoders.loop import NewTexts, answer
from rfa_bench.subjects.static_cache import StaticCacheModel
from rfa_models.checkpoints.checkpoint import load_checkpoint
from rfa_models.networks.language_model import LanguageModel

CHUNK = 512


class Rows:
    """Texts in one cache."""

    def __init__(self, model: StaticCacheModel, batch: int, room: int) -> None:
        self._model = model
        self._batch = batch
        self._caches = model.new_caches(batch, room)
        self._step = torch.compile(model.step)
        self._length = 0

    def read(self, tokens: int) -> None:
        """In chunks, without compiling: each length would be compiled by itself."""
        end = self._length + tokens
        while self._length < end:
            count = min(CHUNK, end - self._length)
            ids = torch.ones(self._batch, count, dtype=torch.int64)
            with torch.inference_mode():
                self._model.step(ids, torch.arange(self._length, self._length + count), self._caches)
            self._length += count

    def step(self) -> None:
        """One token more, and its logits."""
        ids = torch.ones(self._batch, 1, dtype=torch.int64)
        with torch.inference_mode():
            self._step(ids, torch.tensor([self._length]), self._caches)
        self._length += 1


def load(file: Path, threads: int, provider: str) -> NewTexts:
    """A checkpoint with softmax attention."""
    torch.set_num_threads(threads)
    model = load_checkpoint(file).model.eval()
    assert isinstance(model, LanguageModel)
    static = StaticCacheModel(model)
    return lambda batch, room: Rows(static, batch, room)


if __name__ == "__main__":
    answer(load)
