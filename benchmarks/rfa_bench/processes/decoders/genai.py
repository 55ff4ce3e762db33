"""onnxruntime-genai, which keeps the state of one text itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rfa_bench.processes.decoders.loop import NewTexts, answer
from rfa_export.runtimes.serve_genai import load_model, new_text

CHUNK = 512


class Text:
    """One text."""

    def __init__(self, model: Any, room: int) -> None:
        self._text = new_text(model, room)

    def read(self, tokens: int) -> None:
        """In chunks, as our runtime does."""
        for start in range(0, tokens, CHUNK):
            self._append(min(CHUNK, tokens - start))

    def step(self) -> None:
        """One token more, and its logits."""
        self._append(1)
        self._text.get_logits()

    def _append(self, count: int) -> None:
        self._text.append_tokens(np.ones(count, np.int32))


def load(file: Path, threads: int, provider: str) -> NewTexts:
    """A folder with its genai_config.json."""
    model = load_model(file, threads)
    return lambda batch, room: Text(model, room)


if __name__ == "__main__":
    answer(load)
