"""What decoding gives: pieces while it runs, a Generation at its end."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from rfa_runtime.memory import peak_rss_bytes


class Piece(NamedTuple):
    """One token of a text."""

    token_id: int
    text: str
    """The characters that became certain with this token; often empty while a character or a stop string is open."""
    finish_reason: str | None
    """None before the last piece.  `stop`: the model or a stop string ended the text.  `length`: the limit did."""


@dataclass(frozen=True)
class Generation:
    """A finished text; the names are the contract of `rfa-run --json`."""

    token_ids: list[int]
    """All tokens that were chosen, one that ended the text included."""
    text: str
    """Without the prompt, and without the stop string."""
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    ttft_s: float
    """From the call to the first token."""
    tokens_per_s: float
    """Of the tokens after the first; 0 where there are none."""
    state_bytes: int
    """What is kept between two tokens of this text."""
    peak_rss_bytes: int
    """Of the process so far."""

    def as_table(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


class Recorder:
    """Gathers the pieces of one text and the times at which they came."""

    def __init__(self, prompt_tokens: int, started: float) -> None:
        self._prompt_tokens, self._started = prompt_tokens, started
        self._pieces: list[Piece] = []
        self._first = self._last = started

    def add(self, piece: Piece) -> None:
        """Take the next piece."""
        self._last = time.perf_counter()
        if not self._pieces:
            self._first = self._last
        self._pieces.append(piece)

    def finish(self, state_bytes: int) -> Generation:
        """Return the whole."""
        count, seconds = len(self._pieces), self._last - self._first
        return Generation(
            token_ids=[piece.token_id for piece in self._pieces],
            text="".join(piece.text for piece in self._pieces),
            finish_reason=self._pieces[-1].finish_reason or "stop",
            prompt_tokens=self._prompt_tokens,
            completion_tokens=count,
            ttft_s=self._first - self._started,
            tokens_per_s=(count - 1) / seconds if seconds else 0.0,
            state_bytes=state_bytes,
            peak_rss_bytes=peak_rss_bytes(),
        )
