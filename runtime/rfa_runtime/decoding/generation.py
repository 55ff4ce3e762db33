"""What decoding gives: pieces while it runs, a Generation or a Translation at its end."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from rfa_runtime.decoding.likelihood import Likelihood
from rfa_runtime.decoding.written import Written
from rfa_runtime.memory import peak_rss_bytes

NO_TOKEN = -1
"""In the last piece of a text that ended between two tokens."""


class Piece(NamedTuple):
    """One token of a text."""

    token_id: int
    """NO_TOKEN where the text was cancelled: then the piece has only characters that were held back."""
    text: str
    """The characters that became certain with this token; often empty while a character or a stop string is open."""
    finish_reason: str | None
    """None before the last piece.  `stop`: the model or a stop string ended the text.  `length`: the limit did."""
    likelihood: Likelihood | None = None
    """How likely the token was, where the request has `logprobs`."""


def ids_of(pieces: Sequence[Piece]) -> list[int]:
    """The tokens of a text."""
    return [piece.token_id for piece in pieces]


def text_of(pieces: Sequence[Piece]) -> str:
    """The text that its pieces make."""
    return "".join(piece.text for piece in pieces)


@dataclass(frozen=True)
class Generation:
    """A finished text; the names are the contract of `rfa-run --json`."""

    token_ids: Sequence[int]
    """All tokens that were chosen, one that ended the text included."""
    text: str
    """Without the prompt, and without the stop string."""
    finish_reason: str
    """See Piece."""
    prompt_tokens: int
    """Of a translation: of its source, the end token included."""
    completion_tokens: int
    ttft_s: float
    """Time to first token: seconds from the call to the first token."""
    tokens_per_s: float
    """Of the tokens after the first; 0 where there are none."""
    state_bytes: int
    """What is kept between two tokens of this text; of a translation for all its hypotheses together."""
    peak_rss_bytes: int
    """The most resident memory of the process so far."""
    cached_tokens: int = field(default=0, kw_only=True)
    """Of the prompt: not read, as a state knew them."""

    def as_table(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self) | {"token_ids": list(self.token_ids)}


@dataclass(frozen=True)
class Hypothesis:
    """One translation that was found."""

    token_ids: list[int]
    """The end token included, where it came."""
    score: float
    """See SearchConfig.length_penalty; 0 would be certain."""
    finish_reason: str
    """`stop`: the model ended it.  `length`: the limit did."""
    text: str = ""


@dataclass(frozen=True)
class Translation(Generation):
    """The translation of a source: its best hypothesis as a Generation, and the others."""

    score: float
    """Of the best hypothesis."""
    n_best: list[Hypothesis]
    """The best first: as many as were asked for."""


class Clock:
    """When a call began, and when its first and its last token were there."""

    def __init__(self, started: float | None = None) -> None:
        """started: when the call began; now, where it is left out."""
        self._started = time.perf_counter() if started is None else started
        self._first = 0.0
        self._last = 0.0

    def tick(self) -> None:
        """Take note that a token is there."""
        self._last = time.perf_counter()
        self._first = self._first or self._last

    def gather(self, pieces: Iterable[Piece]) -> Written:
        """Read a text to its end, and take note of its tokens as they come."""
        written = Written()
        for piece in pieces:
            self.tick()
            written.add(piece.token_id, piece.text, piece.finish_reason)
        return written

    def generation(self, written: Written, prompt_tokens: int, state_bytes: int, cached_tokens: int = 0) -> Generation:
        """The text that was written; the last of its tokens has just come."""
        return Generation(
            token_ids=written.token_ids,
            text=written.text,
            finish_reason=written.finish_reason or "stop",
            cached_tokens=cached_tokens,
            **self._figures(prompt_tokens, len(written.token_ids), state_bytes),
        )

    def translation(self, n_best: list[Hypothesis], prompt_tokens: int, state_bytes: int) -> Translation:
        """What was found for a source, the best first; its last token has just come."""
        best = n_best[0]
        return Translation(
            token_ids=best.token_ids,
            text=best.text,
            finish_reason=best.finish_reason,
            score=best.score,
            n_best=n_best,
            **self._figures(prompt_tokens, len(best.token_ids), state_bytes),
        )

    def _figures(self, prompt_tokens: int, completion_tokens: int, state_bytes: int) -> dict[str, Any]:
        """The figures that every finished text has."""
        seconds = self._last - self._first
        return {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "ttft_s": self._first - self._started,
            "tokens_per_s": (completion_tokens - 1) / seconds if seconds else 0.0,
            "state_bytes": state_bytes,
            "peak_rss_bytes": peak_rss_bytes(),
        }
