"""The main path of translation: source -> ids -> encoder -> (candidates -> beams -> step) ... -> text.

Greedy translation of one source goes a shorter way, that of `tasks/language.py`: the graph names the most likely token.

Letters: B sources, N vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rfa_runtime.bundle.bundle import Bundle, opened
from rfa_runtime.bundle.interface import TRANSLATION
from rfa_runtime.checks import whole_number
from rfa_runtime.decoding.batch_search import search_all
from rfa_runtime.decoding.beam import Beams
from rfa_runtime.decoding.candidates import log_sums
from rfa_runtime.decoding.continuation import Continuation, Request
from rfa_runtime.decoding.detokenize import detokenizer
from rfa_runtime.decoding.generation import Clock, Hypothesis, Piece, Translation, ids_of, text_of
from rfa_runtime.decoding.prompt import Prompt, as_batch, check_task, load_tokenizer, read_each
from rfa_runtime.decoding.sampling_config import SamplingConfig
from rfa_runtime.decoding.search_config import SearchConfig
from rfa_runtime.decoding.source import encode_source
from rfa_runtime.errors import BundleError
from rfa_runtime.session.encoder import Encoder, batches
from rfa_runtime.session.own_process import OwnProcess
from rfa_runtime.session.padding import at
from rfa_runtime.session.state import State
from rfa_runtime.session.step import StepSession

MAX_SOURCE_TOKENS = 8192
"""Of one source: an encoder with softmax needs memory for the square of it."""


class Translator(OwnProcess):
    """Translates with the model of a bundle.  It holds no text: calls do not know of each other."""

    def __init__(
        self,
        bundle: Bundle | Path | str,
        threads: int | None = None,
        provider: str = "cpu",
        max_source_tokens: int = MAX_SOURCE_TOKENS,
        huge_pages: bool = True,
    ) -> None:
        """Load a bundle, or take one that was read.  threads, provider, huge_pages: see StepSession."""
        self._max_source_tokens = whole_number("max_source_tokens", max_source_tokens, 1, 1 << 31)
        self.bundle = opened(bundle)
        self._start = start_token(self.bundle)
        self._eos = self.bundle.manifest.special_ids.eos
        self.tokenizer = load_tokenizer(self.bundle)
        self.encoder = Encoder(self.bundle, threads, provider, huge_pages)
        self.session = StepSession(self.bundle, threads, provider, huge_pages=huge_pages)

    def encode(self, source: Prompt) -> list[int]:
        """Return the ids that the encoder reads.  Raises PromptError for a source that cannot be translated."""
        return encode_source(source, self.tokenizer, self.bundle, self._max_source_tokens)

    def translate(self, source: Prompt, search: SearchConfig | None = None) -> Translation:
        """Translate one text, or token ids without their end token."""
        return self.translate_batch([source], search)[0]

    def translate_batch(self, sources: Sequence[Prompt], search: SearchConfig | None = None) -> list[Translation]:
        """Translate several sources of any lengths in one batch; the results are those of one by one.

        One text may stand by itself.
        """
        search = search or SearchConfig()
        clock = Clock()
        encoded = read_each(self.encode, as_batch(sources))
        if search.beam == 1 and len(encoded) == 1:
            return [self._greedy(encoded[0], search, clock)]
        return self._search(encoded, search, clock) if encoded else []

    def stream(self, source: Prompt, max_new_tokens: int | None = None) -> Iterator[Piece]:
        """Yield one piece for each token, the most likely each time, as soon as it is chosen.

        max_new_tokens: see SearchConfig.  The last piece has a finish_reason.
        """
        search = SearchConfig(max_new_tokens=max_new_tokens)
        ids = self.encode(source)
        return self._stream(ids, search.limit(len(ids)))

    def _stream(self, ids: list[int], limit: int) -> Iterator[Piece]:
        for piece, _ in self._follow(self._read([ids]), limit):
            yield piece

    def _follow(self, state: State, limit: int) -> Iterator[tuple[Piece, np.ndarray]]:
        """Take the most likely token each time.  Yields its piece, and the logits [1, N] that it was chosen from."""
        text = Continuation(Request(SamplingConfig(), limit), self.bundle.manifest, self.tokenizer, [])
        steps = self.session.on(state)
        logits = steps.step(self._start)
        while True:
            piece = text.take(steps.most_likely())
            yield piece, logits
            if piece.finish_reason is not None:
                return
            logits = steps.step(piece.token_id)

    def _greedy(self, ids: list[int], search: SearchConfig, clock: Clock) -> Translation:
        pieces: list[Piece] = []
        total = 0.0
        state = self._read([ids])
        for piece, logits in self._follow(state, search.limit(len(ids))):
            top = logits[:, piece.token_id].astype(np.float64)  # its logit is the largest
            total -= log_sums(logits, top).item()
            pieces.append(piece)
            clock.tick()
        score = search.score(total, len(pieces))
        found = Hypothesis(ids_of(pieces), score, str(pieces[-1].finish_reason), text_of(pieces))
        return clock.translation([found], len(ids), state.nbytes)

    def _search(self, encoded: list[list[int]], search: SearchConfig, clock: Clock) -> list[Translation]:
        """Search for B translations side by side: longest sources first, as those of like length are read together."""
        order = sorted(range(len(encoded)), key=lambda row: -len(encoded[row]))
        sources = at(encoded, order)
        beams = [Beams(search, search.limit(len(ids)), self._eos) for ids in sources]
        found: dict[int, Translation] = {}
        state = self._read(sources)
        for place, size in search_all(self.session, state, self._start, beams, search.beam, clock.tick):
            n_best = list(map(self._spelled, beams[place].best()))
            found[order[place]] = clock.translation(n_best, len(sources[place]), size)
        return at(found, range(len(encoded)))

    def _read(self, sources: list[list[int]]) -> State:
        """Read sources, the longest first.  Returns the state of B rows that have read no target yet."""
        states = []
        for batch in batches(sources):
            of_sources = self.encoder.encode(batch)
            states.append(self.session.new_state(len(batch), cross=of_sources))
        return states[0] if len(states) == 1 else State.stack(states)

    def _spelled(self, hypothesis: Hypothesis) -> Hypothesis:
        """The end token has no text, whatever the tokenizer says of it."""
        ids = [token for token in hypothesis.token_ids if token != self._eos]
        speller = detokenizer(self.tokenizer)
        return replace(hypothesis, text="".join(map(speller.push, ids)) + speller.flush())


def start_token(bundle: Bundle) -> int:
    """Return the token that starts a translation.  Raises BundleError for a bundle that is no translator's."""
    check_task(bundle, TRANSLATION)
    start = bundle.manifest.special_ids.bos
    if start is None:
        raise BundleError(f"{bundle.path.name} names no token that starts a translation: export it again")
    return start
