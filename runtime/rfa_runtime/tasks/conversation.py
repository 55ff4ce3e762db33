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

from rfa_runtime.decoding.continuation import Continuation, Request, Settings
from rfa_runtime.decoding.generation import Piece
from rfa_runtime.decoding.prompt import Progress, Prompt, encode_text, read_in_chunks
from rfa_runtime.decoding.sampling_config import SamplingConfig
from rfa_runtime.decoding.token_ids import token_ids
from rfa_runtime.decoding.written import TokenIds
from rfa_runtime.errors import PromptError, StateError
from rfa_runtime.session.state import State
from rfa_runtime.tasks.language import Decoder


class Conversation:
    """A text, what the model remembers of it, and the way on.  One thread at a time may use it."""

    def __init__(self, decoder: Decoder, state: State | None = None, ids: TokenIds | None = None) -> None:
        """Begin with nothing, or where a state is that has read these tokens."""
        self.decoder = decoder
        self._state = state or decoder.session.new_state()
        self._ids = ids or TokenIds()

    @staticmethod
    def load(decoder: Decoder, path: Path | str) -> Conversation:
        """Go on where `save` was called.  Raises as `State.load` does, StateError for a file without token ids."""
        state, ids = State.load(path, decoder.bundle, decoder.session.device)
        if ids is None or len(ids) != 1:
            raise StateError(f"{path}: holds {state.batch} texts, with or without their tokens: wanted one with them")
        return Conversation(decoder, state, TokenIds(ids[0]))

    def save(self, path: Path | str) -> None:
        """Write everything to a file, whole or not at all.  Raises OSError."""
        self._state.save(path, [self._ids])

    def fork(self) -> Conversation:
        """Another conversation that goes on from here."""
        return Conversation(self.decoder, self._state.copy(), self._ids[:])

    @property
    def token_ids(self) -> TokenIds:
        """All tokens that were read and written."""
        return self._ids

    @property
    def state_bytes(self) -> int:
        """What is remembered."""
        return self._state.nbytes

    def encode(self, prompt: Prompt) -> list[int]:
        """The tokens of what is to be read next: the start token comes before the first ones alone."""
        if not self._ids:
            return self.decoder.encode(prompt)
        if isinstance(prompt, str):
            return encode_text(prompt, self.decoder.tokenizer, self.decoder.bundle)
        return token_ids(prompt)

    def read(self, prompt: Prompt, progress: Progress | None = None) -> None:
        """Read something without an answer.  progress: as for `Decoder.stream`.  Raises PromptError."""
        ids = self.encode(prompt)
        if ids:
            read_in_chunks(self.decoder.session, ids, self._state, progress)
            self._ids.extend(ids)

    def write(
        self,
        prompt: Prompt | None = None,
        request: Request | SamplingConfig | None = None,
        progress: Progress | None = None,
        **settings: Unpack[Settings],
    ) -> Generator[Piece]:
        """Read something, if it is given, and yield what the model writes next.  Arguments as for `Decoder.stream`.

        Whoever stops reading ends the text there.  Raises PromptError where nothing was read yet, OptionError.
        """
        asked = self.decoder.writer.request(request, settings)
        if prompt is not None:
            self.read(prompt, progress)
        logits = self._state.logits
        if logits is None:
            raise PromptError("nothing was read yet: give a prompt")
        text = self.decoder.writer.text(asked, self._ids.tolist())
        return self._write(text)

    def _write(self, text: Continuation) -> Generator[Piece]:
        steps = self.decoder.session.on(self._state)
        assert self._state.logits is not None
        piece = text.choose(self._state.logits[0])
        read = False
        try:
            while True:
                yield piece
                if piece.finish_reason is not None:
                    return
                logits = steps.step(piece.token_id)
                self._ids.append(piece.token_id)
                read = True
                piece = text.take(steps.most_likely()) if text.greedy else text.choose(logits[0])
                read = False
        finally:
            if not read:  # the last token, whoever ended the text there
                steps.step(piece.token_id)
                self._ids.append(piece.token_id)
