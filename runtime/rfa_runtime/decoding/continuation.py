"""One text that is being written: from the logits after a token to the next piece."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from rfa_runtime.bundle.manifest import Manifest
from rfa_runtime.decoding.detokenize import detokenizer
from rfa_runtime.decoding.generation import Piece
from rfa_runtime.decoding.sampling import Sampler, SamplingConfig
from rfa_runtime.decoding.stopping import StopStrings
from rfa_runtime.errors import OptionError

NO_LIMIT = 1 << 62
"""Tokens: counted down to zero, it lasts for ever."""


@dataclass(frozen=True)
class Request:
    """How texts are to be written, and when they end."""

    sampling: SamplingConfig
    max_new_tokens: int | None = 128
    """None sets no limit."""
    stop: tuple[str, ...] = ()
    """Strings that end the text, and are not part of it."""
    ignore_eos: bool = False
    """Go on where the model would end the text."""

    def __post_init__(self) -> None:
        """Raise OptionError for a setting that cannot work."""
        limit = self.max_new_tokens
        if limit is not None and (type(limit) is not int or limit < 1):
            raise OptionError(f"max_new_tokens is {limit!r}, wanted a whole number above 0, or None for no limit")
        StopStrings(self.stop)


class Continuation:
    """Samples, spells and ends one text.  What it keeps does not grow with the text."""

    def __init__(
        self, request: Request, manifest: Manifest, tokenizer: Tokenizer | None, prompt: list[int], row: int = 0
    ) -> None:
        """Begin after a prompt.  row: place in a batch, which gives it random numbers of its own."""
        self.greedy = request.sampling.greedy
        """Whether the most likely token is the one: then `take` it, and nobody has to look at the logits."""
        self._sampler = Sampler(request.sampling, manifest.vocab_size, prompt, row)
        self._detokenizer = detokenizer(tokenizer)
        self._spell = self._detokenizer.push
        self._stops = StopStrings(request.stop) if request.stop else None
        self._eos = None if request.ignore_eos else manifest.special_ids.eos
        self._left = request.max_new_tokens or NO_LIMIT

    def choose(self, logits: np.ndarray) -> Piece:
        """Choose the next token.  logits: float32 [N]."""
        return self.take(self._sampler.choose(logits))

    def take(self, token: int) -> Piece:
        """Go on with a token that was chosen."""
        self._left -= 1
        if token == self._eos:
            return self._last(token, "", "stop")
        text = self._spell(token)
        if self._stops is not None:
            text = self._stops.push(text)
            if self._stops.found:
                return Piece(token, text, "stop")
        if not self._left:
            return self._last(token, text, "length")
        # NamedTuple's own constructor is Python code: 6 us more once a large step has emptied the caches.
        return tuple.__new__(Piece, (token, text, None))

    def _last(self, token: int, text: str, reason: str) -> Piece:
        """End the text with what was held back: bytes that are no character, the beginning of a stop string."""
        text += self._released(self._detokenizer.flush())
        return Piece(token, text, "stop" if self._stops is not None and self._stops.found else reason)

    def _released(self, rest: str) -> str:
        return rest if self._stops is None else self._stops.push(rest) + self._stops.flush()
