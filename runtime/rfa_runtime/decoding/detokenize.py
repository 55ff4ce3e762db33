"""Tokens to text, piece by piece, at a constant cost for each and never splitting a character.

The pieces follow a prompt: the text of the prompt and all pieces together are the tokenizer's `decode` of all tokens,
wherever that begins with its `decode` of the prompt.  Three ways, one interface, by what the tokenizer's decoder does:
bytes (`byte_text.py`), words (`window_text.py`), words with single bytes among them (`fallback_text.py`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Protocol

from tokenizers import Tokenizer, decoders

from rfa_runtime.decoding.byte_text import ByteDetokenizer
from rfa_runtime.decoding.fallback_text import FallbackDetokenizer
from rfa_runtime.decoding.window_text import WindowDetokenizer


class Detokenizer(Protocol):
    """Text from tokens that come one by one, after those of a prompt."""

    def push(self, token: int) -> str:
        """Take a token, return the characters that are certain now."""

    def flush(self) -> str:
        """Return what is left, when no more tokens come."""


def detokenizer(tokenizer: Tokenizer | None, prompt: Sequence[int] = ()) -> Detokenizer:
    """Return the way that a tokenizer asks for; no text comes where there is none.

    prompt: the tokens before the first piece.  Their text is not repeated, but the pieces are spelled as they
    follow it.
    """
    if tokenizer is None:
        return NoText()
    if isinstance(tokenizer.decoder, decoders.ByteLevel):
        return ByteDetokenizer(tokenizer, prompt)
    if joins_bytes(tokenizer):
        return FallbackDetokenizer(tokenizer, prompt)
    return WindowDetokenizer(tokenizer, prompt)


def joins_bytes(tokenizer: Tokenizer) -> bool:
    """Whether the decoder makes characters of tokens such as `<0xE6>`."""
    if tokenizer.decoder is None:
        return False
    table = json.loads(tokenizer.decoder.__getstate__())
    steps = table.get("decoders", [table])
    return "ByteFallback" in {step["type"] for step in steps}


class NoText:
    """For bundles whose tokens have no text."""

    def push(self, token: int) -> str:
        """Take a token, return nothing."""
        return ""

    def flush(self) -> str:
        """Return nothing."""
        return ""
