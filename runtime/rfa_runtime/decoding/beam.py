"""Beam search over one source: the hypotheses that go on side by side, and the best of those that have ended.

Letters: W hypotheses side by side, C candidates of each.
"""

from __future__ import annotations

import numpy as np

from rfa_runtime.decoding.generation import Hypothesis
from rfa_runtime.decoding.search_config import SearchConfig


class Beams:
    """The hypotheses of one source.  What is kept of them grows by a few numbers with every token."""

    def __init__(self, search: SearchConfig, limit: int, eos: int | None) -> None:
        """Begin a search.

        limit: tokens after which all end.  eos: the token that ends a hypothesis; None where the model has none.
        """
        self._search = search
        self._limit = limit
        self._eos = eos
        self._totals = np.full(search.beam, -np.inf)  # [W]: log probabilities of those that go on
        self._totals[0] = 0.0  # all begin alike: the first step continues one of them
        self._ended: list[Hypothesis] = []
        self._steps: list[tuple[list[int], list[int]]] = []
        self.done = False
        """Whether nothing more is to be found."""

    def advance(self, tokens: np.ndarray, log_probabilities: np.ndarray) -> tuple[list[int], list[int]]:
        """Take a step.  tokens, log_probabilities: [W, C], the most likely of each hypothesis, the best first.

        Returns, for each of the W that go on, which one it continues and its new token.
        """
        width = self._search.beam
        going: list[int] = []
        every = (self._totals[:, None] + log_probabilities).reshape(-1)
        best = np.argsort(-every, kind="stable")[: 2 * width]  # each has one end: W are left to go on at least
        totals = every[best]
        parents = (best // tokens.shape[1]).tolist()
        chosen = tokens.reshape(-1)[best].tolist()
        for rank, token in enumerate(chosen):
            if token != self._eos:
                going.append(rank)
            elif rank < width:  # one that ends must be among the best itself, else short ones would crowd in
                self._end(totals[rank], [*self._trace(parents[rank]), token], "stop")
        del going[width:]
        self._totals = totals[going]
        step: tuple[list[int], list[int]] = ([], [])
        for rank in going:
            step[0].append(parents[rank])
            step[1].append(chosen[rank])
        self._steps.append(step)
        self.done = self._is_done()
        return step

    def best(self) -> list[Hypothesis]:
        """The best that have ended, as many as were asked for, the best first."""
        return self._ended[: self._search.n_best]

    def _is_done(self) -> bool:
        """See `done`.  At the limit, what goes on ends."""
        search = self._search
        full = len(self._ended) == search.beam
        if full and (search.early_stop or search.beam == 1):
            return True
        if len(self._steps) == self._limit:
            for place, total in enumerate(self._totals):
                self._end(total, self._trace(place), "length")
            return True
        # Log probabilities only fall, and a score is best at the next length or at the last.
        at_next = search.score(self._totals[0], len(self._steps) + 1)
        at_last = search.score(self._totals[0], self._limit)
        return full and self._ended[-1].score >= max(at_next, at_last)

    def _end(self, total: float, token_ids: list[int], reason: str) -> None:
        """Keep a hypothesis if it is among the best."""
        if np.isfinite(total):
            self._ended.append(Hypothesis(token_ids, self._search.score(total, len(token_ids)), reason))
            self._ended.sort(key=lambda hypothesis: -hypothesis.score)
            del self._ended[self._search.beam :]

    def _trace(self, place: int) -> list[int]:
        """The tokens of a hypothesis, from its place in the last step."""
        found = []
        for parents, tokens in reversed(self._steps):
            found.append(tokens[place])
            place = parents[place]
        return found[::-1]
