"""One text that is being written: from the logits after a token to the next piece."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from rfa_runtime.detokenize import detokenizer
from rfa_runtime.errors import OptionError
from rfa_runtime.generation import Piece
from rfa_runtime.manifest import Manifest
from rfa_runtime.sampling import Sampler, SamplingConfig
from rfa_runtime.stopping import StopStrings


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
        self._sampler = Sampler(request.sampling, manifest.vocab_size, prompt, row)
        self._detokenizer = detokenizer(tokenizer)
        self._stops, self._has_stops = StopStrings(request.stop), bool(request.stop)
        self._eos = None if request.ignore_eos else manifest.special_ids.eos
        self._limit, self._count = request.max_new_tokens, 0

    def choose(self, logits: np.ndarray) -> Piece:
        """Choose the next token.  logits: float32 [N]."""
        token = self._sampler.choose(logits)
        self._count += 1
        ended = token == self._eos
        text = "" if ended else self._detokenizer.push(token)
        if text and self._has_stops:
            text = self._stops.push(text)
        if ended or self._stops.found:
            return Piece(token, text + self._flush(), "stop")
        if self._count == self._limit:
            return Piece(token, text + self._flush(), "length")
        return Piece(token, text, None)

    def _flush(self) -> str:
        """Release what was held back, unless a stop string came before it."""
        if self._stops.found:
            return ""
        return self._stops.push(self._detokenizer.flush()) + self._stops.flush()
