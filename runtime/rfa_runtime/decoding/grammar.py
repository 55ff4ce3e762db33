"""Texts that keep to a form: a JSON schema, a regular expression or a Lark grammar.

Before each token the grammar says which may come, and the others are left out of the draw.  `forms/` does it, once
somebody asks for one.

Letters: N vocabulary.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from tokenizers import Tokenizer

from rfa_runtime import forms
from rfa_runtime.bundle.manifest import Manifest
from rfa_runtime.errors import OptionError
from rfa_runtime.wording import Setting

Kind = Literal["json_schema", "regex", "lark"]
KINDS: tuple[Kind, ...] = ("json_schema", "regex", "lark")


@dataclass(frozen=True)
class Grammar:
    """What a text has to be.  Raises OptionError for a kind that nobody knows."""

    kind: Kind
    text: str
    """The schema as JSON, the expression, or the rules."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS or not isinstance(self.text, str):
            raise OptionError(Setting("grammar"), f" has the kind {self.kind!r}, wanted one of {', '.join(KINDS)}")

    @staticmethod
    def json_schema(schema: Mapping[str, Any] | str) -> Grammar:
        """Any JSON that a schema allows, `{}` for any at all."""
        return Grammar("json_schema", schema if isinstance(schema, str) else json.dumps(schema))

    @staticmethod
    def regex(expression: str) -> Grammar:
        """A text that an expression matches as a whole."""
        return Grammar("regex", expression)

    @staticmethod
    def lark(rules: str) -> Grammar:
        """A text that the rule `start` gives."""
        return Grammar("lark", rules)


class Matcher(Protocol):
    """Where a text is in its grammar."""

    @property
    def refused(self) -> np.ndarray:
        """bool [N]: tokens that may not come now."""

    @property
    def over(self) -> bool:
        """Whether nothing can follow."""

    def note(self, token: int) -> None:
        """Take note of a token that was chosen."""


class Grammars:
    """Makes matchers for the tokens of one bundle.  What they share is prepared when the first is made."""

    def __init__(self, tokenizer: Tokenizer | None, manifest: Manifest) -> None:
        self._tokenizer = tokenizer
        self._manifest = manifest
        self._shared: forms.Matching | None = None

    def matcher(self, grammar: Grammar) -> Matcher:
        """Begin a text.  Raises OptionError for a grammar that cannot be read, MissingExtraError without llguidance."""
        if self._tokenizer is None:
            raise OptionError(Setting("grammar"), " came, and the bundle has no tokenizer: its tokens have no text")
        if self._shared is None:
            self._shared = forms.Matching(self._tokenizer, self._manifest)
        return self._shared.matcher(grammar.kind, grammar.text)
