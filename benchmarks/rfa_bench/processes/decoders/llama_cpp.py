"""llama.cpp, through the bindings of llama-cpp-python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np

from rfa_bench.processes.decoders.loop import NewTexts, answer

CHUNK = 512
FLASH = "flash"
"""The option that turns flash attention on."""


class Rows:
    """Texts in one context, a sequence with a cache of its own for each."""

    def __init__(self, model: Any, threads: int, flash: bool, batch: int, room: int) -> None:
        settings = llama_cpp.llama_context_default_params()
        settings.n_ctx = batch * padded(room)
        settings.n_batch = max(CHUNK, batch)
        settings.n_ubatch = CHUNK
        settings.n_seq_max = batch
        settings.n_threads = threads
        settings.n_threads_batch = threads
        settings.kv_unified = False
        kinds = llama_cpp
        on = kinds.LLAMA_FLASH_ATTN_TYPE_ENABLED if flash else kinds.LLAMA_FLASH_ATTN_TYPE_DISABLED
        settings.flash_attn_type = on
        self._context = llama_cpp.llama_init_from_model(model, settings)
        if not self._context:
            raise MemoryError(f"llama.cpp gives no context of {batch} x {room:,} tokens")
        self._batch = batch
        self._length = 0
        self._tokens = llama_cpp.llama_batch_init(max(CHUNK, batch), 0, 1)

    def read(self, tokens: int) -> None:
        """One sequence reads, and is copied to the others."""
        end = self._length + tokens
        while self._length < end:
            count = min(CHUNK, end - self._length)
            places = [(self._length + number, 0) for number in range(count)]
            self._decode(places, last_only=True)
            self._length += count
        memory = llama_cpp.llama_get_memory(self._context)
        for sequence in range(1, self._batch):
            llama_cpp.llama_memory_seq_cp(memory, 0, sequence, -1, -1)

    def step(self) -> None:
        """One token more of each, and its logits."""
        self._decode([(self._length, sequence) for sequence in range(self._batch)], last_only=False)
        self._length += 1

    def _decode(self, places: list[tuple[int, int]], last_only: bool) -> None:
        """Read tokens at their positions, of their sequences."""
        batch = self._tokens
        batch.n_tokens = len(places)
        for number, (position, sequence) in enumerate(places):
            batch.token[number] = 1
            batch.pos[number] = position
            batch.n_seq_id[number] = 1
            batch.seq_id[number][0] = sequence
            batch.logits[number] = not last_only or number == len(places) - 1
        if llama_cpp.llama_decode(self._context, batch) != 0:
            raise MemoryError("llama.cpp finds no room for the tokens")
        logits = llama_cpp.llama_get_logits_ith(self._context, -1)  # waits until they are there
        np.ctypeslib.as_array(logits, (1,))


def padded(room: int) -> int:
    """llama.cpp's caches are multiples of 256 tokens."""
    return -(-room // 256) * 256


def load(file: Path, threads: int, provider: str, attention: str) -> NewTexts:
    """A GGUF file.  attention: `flash`, or another word for the plain one."""
    llama_cpp.llama_backend_init()
    model = llama_cpp.llama_model_load_from_file(str(file).encode(), llama_cpp.llama_model_default_params())
    if not model:
        raise ValueError(f"llama.cpp cannot load {file.name}")
    return lambda batch, room: Rows(model, threads, attention == FLASH, batch, room)


if __name__ == "__main__":
    answer(load)
