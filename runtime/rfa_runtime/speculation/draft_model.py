"""Guesses of a smaller model with the same tokens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rfa_runtime.bundle.bundle import Bundle, opened
from rfa_runtime.bundle.interface import LANGUAGE_MODEL
from rfa_runtime.decoding.prompt import CHUNK, check_task
from rfa_runtime.session.own_process import OwnProcess
from rfa_runtime.session.step import StepSession


class DraftModel(OwnProcess):
    """A Drafter that lets a bundle write on greedily.  Its state reads what is certain; a copy reads the guesses."""

    def __init__(self, bundle: Bundle | Path | str, threads: int | None = None, provider: str = "cpu") -> None:
        """Load a bundle.  threads, provider: see StepSession.  Raises BundleError for another task."""
        self.bundle = opened(bundle)
        check_task(self.bundle, LANGUAGE_MODEL)
        self._session = StepSession(self.bundle, threads, provider)
        self._state = self._session.new_state()
        self._unread: list[int] = []
        """Tokens of the text that the state has not read."""

    def begin(self, ids: Sequence[int]) -> None:
        """Forget the text before, and read the prompt of another one."""
        self._state = self._session.new_state()
        self._unread = list(ids)

    def note(self, token: int) -> None:
        """Take note of the next token of the text."""
        self._unread.append(token)

    def propose(self, most: int) -> list[int]:
        """Return the tokens that the model thinks most likely, one after the other."""
        for start in range(0, len(self._unread), CHUNK):
            piece = self._unread[start : start + CHUNK]
            logits = self._session.step(np.array([piece], np.int64), self._state)
        self._unread = []
        guesses = [int(logits.argmax())]
        steps = self._session.on(self._state.copy())
        while len(guesses) < most:
            steps.step(guesses[-1])
            guesses.append(steps.most_likely())
        return guesses
