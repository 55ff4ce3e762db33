"""Which tokens a grammar allows, by the package llguidance.

Letters: N vocabulary.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tokenizers import Tokenizer

from rfa_runtime.bundle.manifest import Manifest
from rfa_runtime.errors import MissingExtraError, OptionError
from rfa_runtime.wording import Setting

try:
    from llguidance import LLMatcher, LLTokenizer
except ImportError as error:
    raise MissingExtraError(
        "llguidance is not installed, texts keep to a form by it: pip install 'rfa-runtime[grammar]'"
    ) from error

COMPACT: Any = {"whitespace_flexible": False}
"""JSON without line ends and spaces of the model's choice: it could go on with them for ever."""
NO_END = "<rfa: no token ends a text>"
LONGEST = 200
"""Characters of somebody else's complaint."""


class Matching:
    """The tokens of a bundle as llguidance wants them."""

    def __init__(self, tokenizer: Tokenizer, manifest: Manifest) -> None:
        self._size = manifest.vocab_size
        self._never: list[int] = []
        """Tokens that stand for something else than themselves."""
        ends = sorted(manifest.special_ids.ends)
        if not ends:  # llguidance wants one: it gets one that the model never gives
            tokenizer = Tokenizer.from_str(tokenizer.to_str())
            tokenizer.add_special_tokens([NO_END])
            ends = [tokenizer.get_vocab()[NO_END]]
            self._never = [end for end in ends if end < self._size]
        size = max(self._size, tokenizer.get_vocab_size())
        try:
            self._tokens = LLTokenizer(tokenizer.to_str(), n_vocab=size, eos_token=ends)
        except ValueError as error:
            raise OptionError(
                Setting("grammar"), f" came, and llguidance cannot use this tokenizer: {shortened(error)}"
            ) from error

    def matcher(self, kind: str, text: str) -> GrammarMatcher:
        """Begin a text.  Raises OptionError for a grammar that cannot be read."""
        try:
            found = LLMatcher(self._tokens, rules_of(kind, text))
        except (ValueError, TypeError) as error:
            raise unreadable(kind, str(error)) from error
        if found.is_error():
            raise unreadable(kind, found.get_error())
        matcher = GrammarMatcher(found, self._size, self._never)
        if matcher.over:
            raise unreadable(kind, "no text of these tokens keeps to it, but for an empty one")
        return matcher


class GrammarMatcher:
    """Where a text is in its grammar."""

    def __init__(self, matcher: LLMatcher, vocab_size: int, never: list[int]) -> None:
        """never: tokens that no text of the model has."""
        self._matcher = matcher
        self._size = vocab_size
        self._never = never
        self._refused = self._look()

    @property
    def refused(self) -> np.ndarray:
        """bool [N]: tokens that may not come now."""
        return self._refused

    @property
    def over(self) -> bool:
        """Whether nothing can follow."""
        return bool(self._matcher.is_stopped() or self._refused.all())

    def note(self, token: int) -> None:
        """Take note of a token that was chosen.  Raises OptionError where the grammar cannot go on, as too complex."""
        self._matcher.consume_token(token)
        if self._matcher.is_error():
            raise OptionError(Setting("grammar"), f" cannot go on: {shortened(self._matcher.get_error())}")
        if not self._matcher.is_stopped():
            self._refused = self._look()

    def _look(self) -> np.ndarray:
        allowed = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        bits = np.unpackbits(allowed, bitorder="little", count=min(8 * len(allowed), self._size))
        refused = np.ones(self._size, bool)
        refused[: len(bits)] = bits == 0
        refused[self._never] = True
        return refused


def rules_of(kind: str, text: str) -> str:
    """The grammar in llguidance's own words.  Raises ValueError for a schema that is no JSON."""
    match kind:
        case "json_schema":
            return LLMatcher.grammar_from_json_schema(text, defaults=COMPACT)
        case "regex":
            return LLMatcher.grammar_from_regex(text)
        case _:
            return LLMatcher.grammar_from_lark(text)


def unreadable(kind: str, problem: str) -> OptionError:
    """The error of a grammar that cannot be read."""
    return OptionError(Setting("grammar"), f" is no {kind} that can be read: {shortened(problem)}")


def shortened(problem: object) -> str:
    """Somebody else's complaint on one line."""
    return " ".join(str(problem).split())[:LONGEST]
