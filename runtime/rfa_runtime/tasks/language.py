"""The main path: prompt -> ids -> read in chunks -> (choose -> step) ... -> pieces of text.

Letters: B rows, N vocabulary.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from rfa_runtime.bundle.bundle import Bundle, read_bundle
from rfa_runtime.decoding.continuation import Continuation, Request
from rfa_runtime.decoding.generation import Generation, Piece, Recorder
from rfa_runtime.decoding.prompt import Prompt, encode_prompt, load_tokenizer
from rfa_runtime.decoding.sampling import SamplingConfig
from rfa_runtime.errors import BundleError
from rfa_runtime.session.state import State
from rfa_runtime.session.step import StepSession

TASK = "language-model"
CHUNK = 512
"""Tokens of a prompt that are read at once: memory stays bounded, and a step is long enough to use all cores."""


class Decoder:
    """Continues prompts with the model of a bundle.  It holds no text: calls do not know of each other."""

    def __init__(self, bundle: Bundle | Path | str, threads: int | None = None, provider: str = "cpu") -> None:
        """Load a bundle, or take one that was read.  threads, provider: see StepSession."""
        self.bundle = bundle if isinstance(bundle, Bundle) else read_bundle(bundle)
        check_task(self.bundle)
        self.sampling = SamplingConfig.from_table(self.bundle.manifest.sampling)
        self.tokenizer = load_tokenizer(self.bundle)
        self.session = StepSession(self.bundle, threads, provider)

    def stream(
        self,
        prompt: Prompt,
        sampling: SamplingConfig | None = None,
        *,
        max_new_tokens: int | None = 128,
        stop: Sequence[str] = (),
        ignore_eos: bool = False,
    ) -> Iterator[Piece]:
        """Yield one piece for each new token, as soon as it is chosen.

        prompt: text or token ids.  sampling: the bundle's own by default.  max_new_tokens: None sets no limit; memory
        does not grow with the text.  The last piece has a finish_reason.
        """
        request = Request(sampling or self.sampling, max_new_tokens, tuple(stop), ignore_eos)
        return self._stream(encode_prompt(prompt, self.tokenizer, self.bundle), request, self.session.new_state())

    def generate(
        self,
        prompt: Prompt,
        sampling: SamplingConfig | None = None,
        *,
        max_new_tokens: int | None = 128,
        stop: Sequence[str] = (),
        ignore_eos: bool = False,
    ) -> Generation:
        """Return the whole continuation of a prompt.  Arguments as for `stream`."""
        request = Request(sampling or self.sampling, max_new_tokens, tuple(stop), ignore_eos)
        started = time.perf_counter()
        ids = encode_prompt(prompt, self.tokenizer, self.bundle)
        record, state = Recorder(len(ids), started), self.session.new_state()
        for piece in self._stream(ids, request, state):
            record.add(piece)
        return record.finish(state.nbytes)

    def generate_batch(
        self,
        prompts: Sequence[Prompt],
        sampling: SamplingConfig | None = None,
        *,
        max_new_tokens: int | None = 128,
        stop: Sequence[str] = (),
        ignore_eos: bool = False,
    ) -> list[Generation]:
        """Continue several prompts in one batch, of any lengths.  Arguments as for `stream`.

        Each text has random numbers of its own, by its place: others in the batch do not change it.
        """
        request = Request(sampling or self.sampling, max_new_tokens, tuple(stop), ignore_eos)
        return self._generate(prompts, request) if prompts else []

    def _stream(self, ids: list[int], request: Request, state: State) -> Iterator[Piece]:
        text = Continuation(request, self.bundle.manifest, self.tokenizer, ids)
        logits = self._read(ids, state)
        while True:
            piece = text.take(self.session.most_likely(state)) if text.greedy else text.choose(logits[0])
            yield piece
            if piece.finish_reason is not None:
                return
            logits = self.session.step_token(piece.token_id, state)

    def _generate(self, prompts: Sequence[Prompt], request: Request) -> list[Generation]:
        started = time.perf_counter()
        encoded = [encode_prompt(prompt, self.tokenizer, self.bundle) for prompt in prompts]
        manifest, tokenizer = self.bundle.manifest, self.tokenizer
        texts = [Continuation(request, manifest, tokenizer, ids, row) for row, ids in enumerate(encoded)]
        records = [Recorder(len(ids), started) for ids in encoded]
        state, logits = self._read_all(encoded)
        row_bytes = state.nbytes // state.batch
        rows = list(range(len(texts)))
        while True:
            pieces = [texts[row].choose(row_logits) for row, row_logits in zip(rows, logits, strict=True)]
            for row, piece in zip(rows, pieces, strict=True):
                records[row].add(piece)
            going = [place for place, piece in enumerate(pieces) if piece.finish_reason is None]
            if not going:
                return [record.finish(row_bytes) for record in records]
            if len(going) < len(rows):  # finished texts leave the batch
                state, rows = state.select(going), [rows[place] for place in going]
            logits = self._step([pieces[place].token_id for place in going], state)

    def _step(self, tokens: list[int], state: State) -> np.ndarray:
        """One token for each of B rows.  Returns logits [B, N]."""
        if len(tokens) == 1:
            return self.session.step_token(tokens[0], state)
        return self.session.step(np.array([tokens]).T, state)

    def _read_all(self, encoded: list[list[int]]) -> tuple[State, np.ndarray]:
        """Read prompts one by one, then put them side by side: no padding, whatever their lengths.

        Returns the state of B rows and logits [B, N].
        """
        states = [self.session.new_state() for _ in encoded]
        logits = [self._read(ids, state) for ids, state in zip(encoded, states, strict=True)]
        return State.stack(states), np.concatenate(logits)

    def _read(self, ids: list[int], state: State) -> np.ndarray:
        """Read a prompt in chunks.  Returns the logits after it, [1, N]."""
        tokens = np.array([ids], np.int64)
        for start in range(0, len(ids), CHUNK):
            logits = self.session.step(tokens[:, start : start + CHUNK], state)
        return logits


def check_task(bundle: Bundle) -> None:
    """Raise BundleError for a model that does something else than to continue text."""
    if bundle.manifest.task != TASK:
        raise BundleError(f"{bundle.path.name} is for the task {bundle.manifest.task!r}, a Decoder wants {TASK!r}")
    if bundle.graph("model").logits != "last":
        raise BundleError(f"{bundle.path.name}: the graph 'model' gives all logits, wanted the last position's")
