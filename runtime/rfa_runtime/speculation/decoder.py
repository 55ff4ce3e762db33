"""Speculative decoding: guess -> read all guesses in one step -> keep those that the model chooses, too.

    state           has read the text up to its last token
    unread          what it has not read: the last token, or what was right of guesses that were taken back
    one step        unread + guesses -> the model's choice after each of them

A guess is right where it is the token that is chosen anyway, by whatever sampling the request asks for.  So the text is
the one that `Decoder` writes: only how many steps it takes is different.  A step reads several tokens for less than as
many steps would take.  Where a guess was wrong, the state before the step comes back, and the next step reads again
what was right, without a guess.

Source: Leviathan et al., ICML 2023, for guesses that are certain.

Letters: T tokens of a step, N vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

import numpy as np

from rfa_runtime.bundle.bundle import Bundle, opened
from rfa_runtime.bundle.interface import SCORE, TOKENIZER
from rfa_runtime.bundle.manifest import kinds
from rfa_runtime.checks import whole_number
from rfa_runtime.decoding.continuation import Continuation, Request, Settings
from rfa_runtime.decoding.generation import Clock, Generation, Piece
from rfa_runtime.decoding.prompt import Progress, Prompt, read_in_chunks
from rfa_runtime.decoding.sampling_config import SamplingConfig
from rfa_runtime.decoding.writer import Writer
from rfa_runtime.errors import BundleError
from rfa_runtime.session.own_process import OwnProcess
from rfa_runtime.session.state import State
from rfa_runtime.session.step import StepSession
from rfa_runtime.speculation.draft_model import DraftModel
from rfa_runtime.speculation.drafter import Drafter
from rfa_runtime.speculation.lookup import Lookup

DRAFT_TOKENS = 4
MOST_DRAFT_TOKENS = 256


@dataclass
class Acceptance:
    """How good guesses were."""

    steps: int = 0
    """After the prompt."""
    drafted: int = 0
    """Tokens that were guessed."""
    accepted: int = 0
    """Of these, tokens that were right."""

    @property
    def rate(self) -> float:
        """The part that was right; 0 where nothing was guessed."""
        return self.accepted / self.drafted if self.drafted else 0.0


class SpeculativeDecoder(OwnProcess):
    """Continues prompts as Decoder does, several tokens a step where they can be guessed."""

    def __init__(
        self,
        bundle: Bundle | Path | str,
        drafter: Drafter | None = None,
        draft_tokens: int = DRAFT_TOKENS,
        threads: int | None = None,
        provider: str = "cpu",
    ) -> None:
        """Load the graph of a bundle that gives all logits.

        drafter: a DraftModel, or what else guesses; Lookup by default.  draft_tokens: of a guess.  threads, provider:
        see StepSession.
        Raises BundleError for a bundle without such a graph, or whose state grows, or whose tokens are others than the
        draft's; OptionError.
        """
        self.bundle = opened(bundle)
        check_bundle(self.bundle)
        self.drafter = drafter or Lookup()
        if isinstance(self.drafter, DraftModel):
            check_same_tokens(self.bundle, self.drafter.bundle)
        self.draft_tokens = whole_number("draft_tokens", draft_tokens, 1, MOST_DRAFT_TOKENS)
        self.writer = Writer(self.bundle)
        self.session = StepSession(self.bundle, threads, provider, SCORE)
        self.acceptance = Acceptance()
        """Of all texts so far."""

    def stream(
        self,
        prompt: Prompt,
        request: Request | SamplingConfig | None = None,
        progress: Progress | None = None,
        **settings: Unpack[Settings],
    ) -> Iterator[Piece]:
        """Yield the pieces of `Decoder.stream`.  One text at a time.  Arguments and errors are the same."""
        asked = self.writer.request(request, settings)
        ids = self.writer.encode(prompt)
        return self._stream(ids, self.writer.text(asked, ids), progress)

    def generate(
        self, prompt: Prompt, request: Request | SamplingConfig | None = None, **settings: Unpack[Settings]
    ) -> Generation:
        """Return the whole continuation of a prompt.  Arguments and errors as for `stream`."""
        asked = self.writer.request(request, settings)
        clock = Clock()
        ids = self.writer.encode(prompt)
        written = clock.gather(self._stream(ids, self.writer.text(asked, ids)))
        return clock.generation(written, len(ids), self.session.new_state().nbytes)

    def _stream(self, ids: list[int], text: Continuation, progress: Progress | None = None) -> Iterator[Piece]:
        state = self.session.new_state()
        self.drafter.begin(ids)
        logits = read_in_chunks(self.session, ids, state, progress)
        piece = text.choose(logits[0, -1])
        unread = [piece.token_id]
        yield piece
        while piece.finish_reason is None:
            self.drafter.note(piece.token_id)
            guesses = self.drafter.propose(self.draft_tokens) if len(unread) == 1 else []
            before = state.copy() if guesses else state
            logits = self._step([*unread, *guesses], state)
            right = 0
            for guess, chances in zip([*guesses, None], logits[len(unread) - 1 :], strict=True):
                piece = text.choose(chances)
                yield piece
                if piece.token_id != guess:
                    break
                right += 1
                if piece.finish_reason is not None:
                    break
                self.drafter.note(piece.token_id)
            self._count(len(guesses), right)
            if right == len(guesses):
                unread = [piece.token_id]
            else:
                state = before
                unread = [*unread, *guesses[:right], piece.token_id]

    def _step(self, ids: list[int], state: State) -> np.ndarray:
        """Read tokens.  Returns the logits after each, [T, N]."""
        logits: np.ndarray = self.session.step(np.array([ids], np.int64), state)[0]
        return logits

    def _count(self, drafted: int, accepted: int) -> None:
        self.acceptance.steps += 1
        self.acceptance.drafted += drafted
        self.acceptance.accepted += accepted


def check_bundle(bundle: Bundle) -> None:
    """Raise BundleError for a bundle that cannot take a guess back."""
    name = bundle.path.name
    if SCORE not in bundle.manifest.graphs:
        raise BundleError(f"{name} has no graph {SCORE!r}, which gives all logits: export it again")
    if "cache" in kinds(bundle.manifest.state):
        raise BundleError(f"{name}: its state grows with the text: wanted one of fixed size, which is soon copied")


def check_same_tokens(bundle: Bundle, draft: Bundle) -> None:
    """Raise BundleError where the tokens of one are not those of the other."""
    same_size = bundle.manifest.vocab_size == draft.manifest.vocab_size
    own = bundle.manifest.files.get(TOKENIZER)
    others = draft.manifest.files.get(TOKENIZER)
    if not same_size or (own is not None and others is not None and own.sha256 != others.sha256):
        raise BundleError(f"{draft.path.name} has other tokens than {bundle.path.name}: wanted a draft with the same")
