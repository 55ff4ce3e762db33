"""One text that is being written: what is asked for, and from the logits after a token to the next piece."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypedDict

import numpy as np
from tokenizers import Tokenizer

from rfa_runtime.bundle.manifest import Manifest
from rfa_runtime.checks import whole_number
from rfa_runtime.decoding.detokenize import detokenizer
from rfa_runtime.decoding.generation import NO_TOKEN, Piece
from rfa_runtime.decoding.grammar import Grammar, Matcher
from rfa_runtime.decoding.likelihood import likelihood
from rfa_runtime.decoding.sampling import Sampler
from rfa_runtime.decoding.sampling_config import SAMPLING_SETTINGS, SamplingConfig, checked_tokens
from rfa_runtime.decoding.stopping import StopStrings, stop_strings
from rfa_runtime.errors import OptionError
from rfa_runtime.wording import Setting

NO_LIMIT = 1 << 62
"""Tokens: counted down to zero, it lasts for ever."""
MOST_ALTERNATIVES = 100
"""Of a token, beside its likelihood."""


@dataclass(frozen=True)
class Request:
    """How a text is to be written, and when it ends."""

    sampling: SamplingConfig | None = None
    """How tokens are chosen, also as a mapping of names to values; None takes the bundle's own way."""
    max_new_tokens: int | None = 128
    """None sets no limit: memory does not grow with the text."""
    stop: tuple[str, ...] = ()
    """Strings that end the text, and are not part of it; one string may stand by itself.  The name of a special token,
    such as `</s>`, stands for the token, too."""
    ignore_eos: bool = False
    """Go on where the model would end the text."""
    min_tokens: int = 0
    """New tokens before which neither the model nor a stop token ends the text; stop strings do."""
    stop_token_ids: tuple[int, ...] = ()
    """Tokens that end the text, besides the model's own."""
    logprobs: int | None = None
    """Give the likelihood of each token, beside so many of the most likely ones; None for none."""
    grammar: Grammar | None = None
    """What the text has to be."""

    def __post_init__(self) -> None:
        """Raise OptionError for a setting that cannot work; write what may come in several forms in one."""
        if self.max_new_tokens is not None:
            limit = whole_number("max_new_tokens", self.max_new_tokens, 1, NO_LIMIT, ", or None for no limit")
            object.__setattr__(self, "max_new_tokens", limit)
        object.__setattr__(self, "stop", stop_strings(self.stop))
        object.__setattr__(self, "min_tokens", whole_number("min_tokens", self.min_tokens, 0, NO_LIMIT))
        object.__setattr__(self, "stop_token_ids", checked_tokens("stop_token_ids", self.stop_token_ids))
        if self.logprobs is not None:
            found = whole_number("logprobs", self.logprobs, 0, MOST_ALTERNATIVES)
            object.__setattr__(self, "logprobs", found)
        if isinstance(self.sampling, Mapping):
            object.__setattr__(self, "sampling", SamplingConfig.from_table(self.sampling))
        check_type("sampling", self.sampling, SamplingConfig, "a SamplingConfig, or a mapping of its settings")
        check_type("grammar", self.grammar, Grammar, "a Grammar, such as Grammar.regex('[0-9]+')")


def check_type(name: str, value: object, wanted: type, words: str) -> None:
    """Raise OptionError for what is neither None nor of a type.  words: for people."""
    if value is not None and not isinstance(value, wanted):
        raise OptionError(Setting(name), f" is {value!r}, wanted {words}")


class Settings(TypedDict, total=False):
    """Keywords that stand for the fields of a Request, and for those of its SamplingConfig."""

    sampling: SamplingConfig | Mapping[str, Any]
    max_new_tokens: int | None
    stop: str | Sequence[str]
    ignore_eos: bool
    min_tokens: int
    stop_token_ids: Sequence[int]
    logprobs: int | None
    grammar: Grammar | None
    temperature: float
    top_k: int | None
    top_p: float | None
    repetition_penalty: float
    seed: int | None
    min_p: float | None
    typical_p: float | None
    presence_penalty: float
    frequency_penalty: float
    logit_bias: Mapping[int, float]
    banned_tokens: Sequence[int]


def request_of(given: Request | SamplingConfig | None, own: SamplingConfig, settings: Settings) -> Request:
    """Return the request that a call describes, its sampling filled in.

    given: what the keywords are put over.  own: the bundle's sampling, for what nobody says.  Raises OptionError for a
    setting out of range, TypeError for a keyword that nobody knows.
    """
    request = Request(given) if isinstance(given, SamplingConfig) else given or Request()
    over_request: dict[str, Any] = {}
    over_sampling: dict[str, Any] = {}
    for name, value in settings.items():
        home = over_sampling if name in SAMPLING_SETTINGS else over_request
        home[name] = value
    request = replace(request, **over_request)
    sampling = request.sampling or own
    return replace(request, sampling=sampling.over(over_sampling))


class Continuation:
    """Samples, spells and ends one text.  What it keeps does not grow with the text."""

    def __init__(
        self,
        request: Request,
        manifest: Manifest,
        tokenizer: Tokenizer | None,
        prompt: list[int],
        row: int = 0,
        matcher: Matcher | None = None,
    ) -> None:
        """Begin after a prompt.

        row: place in a batch, which gives it random numbers of its own.  matcher: of the request's grammar.
        """
        sampling = request.sampling or SamplingConfig()
        self.greedy = sampling.greedy and request.logprobs is None and not request.min_tokens and matcher is None
        """Whether the most likely token is the one: then `take` it, and nobody has to look at the logits."""
        self._sampler = Sampler(sampling, manifest.vocab_size, prompt, row)
        self._detokenizer = detokenizer(tokenizer, prompt)
        self._spell = self._detokenizer.push
        self._stops = StopStrings(request.stop) if request.stop else None
        ends = frozenset[int]() if request.ignore_eos else manifest.special_ids.ends
        self._ends = ends | tokens_of(request.stop, tokenizer) | frozenset(request.stop_token_ids)
        self._left = request.max_new_tokens or NO_LIMIT
        self._needed = request.min_tokens
        self._logprobs = request.logprobs
        self._matcher = matcher
        self._never = np.array(sorted(end for end in self._ends if end < manifest.vocab_size), np.int64)

    def choose(self, logits: np.ndarray) -> Piece:
        """Choose the next token.  logits: float32 [N]."""
        token = self._sampler.choose(logits, self._refused())
        self._needed -= 1
        if self._matcher is not None:
            self._matcher.note(token)
        piece = self.take(token)
        if self._logprobs is None:
            return piece
        return piece._replace(likelihood=likelihood(logits, token, self._logprobs))

    def _refused(self) -> list[np.ndarray]:
        """Tokens that may not come now."""
        found = []
        if self._needed > 0:
            found.append(self._never)
        if self._matcher is not None:
            found.append(self._matcher.refused)
        return found

    def take(self, token: int) -> Piece:
        """Go on with a token that was chosen."""
        self._left -= 1
        if token in self._ends:
            return self._last(token, "", "stop")
        text = self._spell(token)
        if self._stops is not None:
            text = self._stops.push(text)
            if self._stops.found:
                return Piece(token, text, "stop")
        if self._matcher is not None and self._matcher.over:
            return self._last(token, text, "stop")
        if not self._left:
            return self._last(token, text, "length")
        # NamedTuple's own constructor is Python code: 6 us more once a large step has emptied the caches.
        return tuple.__new__(Piece, (token, text, None, None))

    def stop(self, reason: str) -> Piece:
        """End the text before its next token."""
        return self._last(NO_TOKEN, "", reason)

    def _last(self, token: int, text: str, reason: str) -> Piece:
        """End the text with what was held back: bytes that are no character, the beginning of a stop string."""
        text += self._released(self._detokenizer.flush())
        stopped = self._stops is not None and self._stops.found
        return Piece(token, text, "stop" if stopped else reason)

    def _released(self, rest: str) -> str:
        if self._stops is None:
            return rest
        return self._stops.push(rest) + self._stops.flush()


def tokens_of(stops: tuple[str, ...], tokenizer: Tokenizer | None) -> frozenset[int]:
    """The special tokens that stop strings name: these have no text in which the string could be found."""
    if not stops or tokenizer is None:
        return frozenset()
    added = tokenizer.get_added_tokens_decoder()
    return frozenset(token for token, entry in added.items() if entry.special and entry.content in stops)
