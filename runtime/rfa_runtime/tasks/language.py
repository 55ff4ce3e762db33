"""The main path: prompt -> ids -> read in chunks -> (choose -> step) ... -> pieces of text.

Letters: B rows, N vocabulary.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Unpack

from tokenizers import Tokenizer

from rfa_runtime.bundle.bundle import Bundle, opened
from rfa_runtime.decoding.continuation import Request, Settings
from rfa_runtime.decoding.generation import Clock, Generation, Piece
from rfa_runtime.decoding.prompt import Progress, Prompt, as_batch, read_each, read_in_chunks
from rfa_runtime.decoding.sampling_config import SamplingConfig
from rfa_runtime.decoding.writer import Writer
from rfa_runtime.decoding.written import Written
from rfa_runtime.engine.core import Core
from rfa_runtime.engine.job import Job
from rfa_runtime.engine.prefix_cache import PrefixCache
from rfa_runtime.engine.scheduler import PROMPTS_FIRST
from rfa_runtime.session.own_process import OwnProcess
from rfa_runtime.session.state import FIRST_CAPACITY, State
from rfa_runtime.session.step import StepSession


class Decoder(OwnProcess):
    """Continues prompts with the model of a bundle.  It holds no text: calls do not know of each other."""

    def __init__(
        self,
        bundle: Bundle | Path | str,
        threads: int | None = None,
        provider: str = "cpu",
        huge_pages: bool = True,
    ) -> None:
        """Load a bundle, or take one that was read.  threads, provider, huge_pages: see StepSession."""
        self.bundle = opened(bundle)
        self.writer = Writer(self.bundle)
        self.session = StepSession(self.bundle, threads, provider, huge_pages=huge_pages)

    @property
    def sampling(self) -> SamplingConfig:
        """The bundle's own way of choosing tokens."""
        return self.writer.sampling

    @property
    def tokenizer(self) -> Tokenizer | None:
        """The bundle's; None where it has none."""
        return self.writer.tokenizer

    def encode(self, prompt: Prompt) -> list[int]:
        """The tokens that are read before the first one is chosen.  Raises PromptError."""
        return self.writer.encode(prompt)

    def stream(
        self,
        prompt: Prompt,
        request: Request | SamplingConfig | None = None,
        progress: Progress | None = None,
        **settings: Unpack[Settings],
    ) -> Iterator[Piece]:
        """Yield one piece for each new token, as soon as it is chosen.  The last piece has a finish_reason.

        prompt: text or token ids.  request: how the text is to be written; a SamplingConfig stands for a request with
        it.  settings: fields of Request and SamplingConfig, put over it: `stream("Once", max_new_tokens=64, seed=4)`.
        What nobody says is the bundle's own sampling, and the defaults of Request.
        progress: called while the prompt is read, with the tokens read so far and with all.

        Raises PromptError for a prompt that cannot be read, OptionError for a setting out of range.
        """
        asked = self.writer.request(request, settings)
        ids = self.encode(prompt)
        return self._stream(ids, asked, self.session.new_state(), progress)

    def generate(
        self, prompt: Prompt, request: Request | SamplingConfig | None = None, **settings: Unpack[Settings]
    ) -> Generation:
        """Return the whole continuation of a prompt.  Arguments and errors as for `stream`."""
        asked = self.writer.request(request, settings)
        clock = Clock()
        ids = self.encode(prompt)
        state = self.session.new_state()
        written = clock.gather(self._stream(ids, asked, state))
        return clock.generation(written, len(ids), state.nbytes)

    def generate_batch(
        self, prompts: Sequence[Prompt], request: Request | SamplingConfig | None = None, **settings: Unpack[Settings]
    ) -> list[Generation]:
        """Continue several prompts in one batch, of any lengths.  Arguments and errors as for `stream`.

        One text may stand by itself; an array of two dimensions is a batch.  Each text has its own random numbers, by
        its place: others in the batch do not change it.
        """
        asked = self.writer.request(request, settings)
        batch = as_batch(prompts)
        return self._generate(batch, asked) if batch else []

    def _stream(
        self, ids: list[int], request: Request, state: State, progress: Progress | None = None
    ) -> Iterator[Piece]:
        text = self.writer.text(request, ids)
        logits = read_in_chunks(self.session, ids, state, progress)
        steps = self.session.on(state)
        while True:
            if text.greedy:
                piece = text.take(steps.most_likely())
            else:
                piece = text.choose(logits[0])
            yield piece
            if piece.finish_reason is not None:
                return
            logits = steps.step(piece.token_id)

    def _generate(self, prompts: Sequence[Prompt], request: Request) -> list[Generation]:
        started = time.perf_counter()
        encoded = read_each(self.encode, prompts)
        core = Core(self.session, len(encoded), PrefixCache(0), PROMPTS_FIRST)
        rows = []
        for place, ids in enumerate(encoded):
            row = Row(len(ids), Clock(started))
            text = self.writer.text(request, ids, place)
            core.hear(Job(ids, text, row.take))
            rows.append(row)
        core.work()
        state_bytes = sum(spec.row_bytes(FIRST_CAPACITY) for spec in self.session.specs)
        return [row.finish(state_bytes) for row in rows]


@dataclass
class Row:
    """One text of a batch while it is written."""

    prompt_tokens: int
    clock: Clock
    written: Written = field(default_factory=Written)
    error: BaseException | None = None

    def take(self, piece: Piece | BaseException) -> None:
        """Take a piece, or what ended the text."""
        if isinstance(piece, BaseException):
            self.error = piece
            return
        self.clock.tick()
        self.written.add(piece.token_id, piece.text, piece.finish_reason)

    def finish(self, state_bytes: int) -> Generation:
        """The finished text.  Raises what ended it, if it was an error."""
        if self.error is not None:
            raise self.error
        return self.clock.generation(self.written, self.prompt_tokens, state_bytes)
