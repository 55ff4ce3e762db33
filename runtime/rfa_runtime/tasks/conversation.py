"""One text that goes on for as long as it likes: read, write, read on; saved in a small file, forked, gone back in.

    talk = Conversation(Decoder("model.rfa"))
    for piece in talk.write("Once upon a time", max_new_tokens=50):
        print(piece.text, end="")
    talk.save("story.state")

Between two calls the state has read everything that was read and written.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Unpack

import numpy as np

from rfa_runtime.decoding.continuation import Continuation, Request, Settings
from rfa_runtime.decoding.generation import Piece
from rfa_runtime.decoding.past import Past
from rfa_runtime.decoding.prompt import CHUNK, Progress, Prompt
from rfa_runtime.decoding.sampling_config import SamplingConfig
from rfa_runtime.decoding.written import TokenIds
from rfa_runtime.errors import PromptError
from rfa_runtime.interrupt import held_back
from rfa_runtime.tasks.language import Decoder


class Conversation:
    """A text, what the model remembers of it, and the way on.  One thread at a time may use it."""

    def __init__(self, decoder: Decoder, past: Past | None = None) -> None:
        """Begin with nothing, or where another text stands, which then belongs to this one."""
        self.decoder = decoder
        self._past = past or Past(TokenIds(), decoder.session.new_state())
        self._steps = decoder.session.on(self._past.state)
        self._writing: Generator[Piece] | None = None
        """The last text, which may not be read to its end."""

    @staticmethod
    def load(decoder: Decoder, path: Path | str) -> Conversation:
        """Go on where `save` was called.  Raises as `State.load` does, StateError for a file without token ids."""
        return Conversation(decoder, Past.load(path, decoder.bundle, decoder.session.device))

    def save(self, path: Path | str) -> None:
        """Write everything to a file, whole or not at all.  Raises OSError."""
        self._close()
        self._past.save(path)

    def fork(self) -> Conversation:
        """Another conversation that goes on from here."""
        self._close()
        return Conversation(self.decoder, self._past.copy())

    @property
    def token_ids(self) -> TokenIds:
        """All tokens that were read and written."""
        return self._past.ids

    @property
    def state_bytes(self) -> int:
        """What is remembered."""
        return self._past.state.nbytes

    def encode(self, prompt: Prompt) -> list[int]:
        """The tokens of what is to be read next: the start token comes before the first ones alone."""
        return self.decoder.writer.encode(prompt, after=bool(self._past.ids))

    def read(self, prompt: Prompt, progress: Progress | None = None) -> None:
        """Read something without an answer.  progress: as for `Decoder.stream`.  Raises PromptError."""
        self._close()
        ids = self.encode(prompt)
        for start in range(0, len(ids), CHUNK):
            self._read_chunk(ids[start : start + CHUNK])
            if progress is not None:
                progress(min(start + CHUNK, len(ids)), len(ids))

    def _read_chunk(self, ids: list[int]) -> None:
        """Read tokens, and take note of them.  Ctrl-C waits: a state that has read what nobody noted would be lost."""
        with held_back():
            self.decoder.session.step(np.array([ids], np.int64), self._past.state)
            self._past.ids.extend(ids)

    def write(
        self,
        prompt: Prompt | None = None,
        request: Request | SamplingConfig | None = None,
        progress: Progress | None = None,
        **settings: Unpack[Settings],
    ) -> Generator[Piece]:
        """Read something, if it is given, and yield what the model writes next.  Arguments as for `Decoder.stream`.

        Whoever stops reading ends the text there; so does whoever reads, writes, saves or forks in between.
        Raises PromptError where nothing was read yet, OptionError.
        """
        self._close()
        asked = self.decoder.writer.request(request, settings)
        if prompt is not None:
            self.read(prompt, progress)
        if self._past.state.logits is None:
            raise PromptError("nothing was read yet: give a prompt")
        text = self.decoder.writer.text(asked, self._past.ids.tolist())
        self._writing = self._write(text)
        return self._writing

    def _write(self, text: Continuation) -> Generator[Piece]:
        logits = self._past.state.logits
        assert logits is not None
        piece = text.choose(logits[0])
        while True:
            try:
                yield piece
            finally:  # whoever ends the text here: what was given out was written
                logits = self._read_token(piece.token_id)
            if piece.finish_reason is not None:
                return
            piece = text.take(self._steps.most_likely()) if text.greedy else text.choose(logits[0])

    def _read_token(self, token: int) -> np.ndarray:
        """Read one token, and take note of it.  Returns the logits after it, [1, N]."""
        with held_back():
            logits = self._steps.step(token)
            self._past.ids.append(token)
        return logits

    def _close(self) -> None:
        """End a text that is not read to its end."""
        if self._writing is not None:
            self._writing.close()
            self._writing = None
