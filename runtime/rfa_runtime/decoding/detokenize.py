"""Tokens to text, piece by piece, at a constant cost for each and never splitting a character.

Two ways, one interface.  Byte-level tokenizers are read as bytes, which is exact.  Others are decoded in a short
window: what the last tokens add to the text depends on the few before them at most.
"""

from __future__ import annotations

import codecs
from typing import Protocol

from tokenizers import Tokenizer, decoders

REPLACEMENT = "\ufffd"
"""What decoders put in place of bytes that are no character, or not yet."""
LONGEST_WAIT = 8
"""Tokens held for a character to become whole.  UTF-8 needs 4 at most; beyond that the bytes are no text."""


class Detokenizer(Protocol):
    """Text from tokens that come one by one.  All pieces together are the tokenizer's `decode` of all tokens."""

    def push(self, token: int) -> str:
        """Take a token, return the characters that are whole now."""

    def flush(self) -> str:
        """Return what is left, when no more tokens come."""


def detokenizer(tokenizer: Tokenizer | None) -> Detokenizer:
    """Return the exact way where the tokenizer allows it; no text comes where there is none."""
    if tokenizer is None:
        return NoText()
    if isinstance(tokenizer.decoder, decoders.ByteLevel):
        return ByteDetokenizer(tokenizer)
    return WindowDetokenizer(tokenizer)


class NoText:
    """For bundles whose tokens have no text."""

    def push(self, token: int) -> str:
        """Take a token, return nothing."""
        return ""

    def flush(self) -> str:
        """Return nothing."""
        return ""


class ByteDetokenizer:
    """Looks up each token's bytes and decodes them as UTF-8."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._bytes: dict[int, bytes] = {}
        self._texts: dict[int, str] = {}
        self._open = False
        added = tokenizer.get_added_tokens_decoder()
        self._silent = {token for token, entry in added.items() if entry.special}
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, token: int) -> str:
        """Take a token, return the characters that are whole now."""
        text = None if self._open else self._texts.get(token)
        return self._push_bytes(token) if text is None else text

    def flush(self) -> str:
        """Return what is left, when no more tokens come."""
        self._open = False
        return self._decoder.decode(b"", final=True)

    def _push_bytes(self, token: int) -> str:
        """The way of a token that comes for the first time, or while a character is open."""
        found = self._bytes.get(token)
        if found is None:
            found = self._bytes[token] = self._spell(token)
        whole = not self._open
        text = self._decoder.decode(found)
        self._open = bool(self._decoder.getstate()[0])
        if whole and not self._open:  # complete in itself: next time a look-up will do
            self._texts[token] = text
        return text

    def _spell(self, token: int) -> bytes:
        text = None if token in self._silent else self._tokenizer.id_to_token(token)
        if text is None:
            return b""
        try:
            return bytes(BYTE_OF[symbol] for symbol in text)
        except KeyError:  # an added token, written as it reads
            return text.encode()


class WindowDetokenizer:
    """Decodes the tokens since the last whole text, together with those of the piece before as their context."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._context: list[int] = []
        self._waiting: list[int] = []

    def push(self, token: int) -> str:
        """Take a token, return the characters that are whole now."""
        self._waiting.append(token)
        piece = self._piece()
        if piece.endswith(REPLACEMENT) and len(self._waiting) < LONGEST_WAIT:
            return ""
        if piece:  # a token without text of its own is no context either
            self._context = self._waiting
        self._waiting = []
        return piece

    def flush(self) -> str:
        """Return what is left, when no more tokens come."""
        piece = self._piece()
        self._waiting = []
        return piece

    def _piece(self) -> str:
        known = self._tokenizer.decode(self._context)
        return str(self._tokenizer.decode(self._context + self._waiting)[len(known) :])


def byte_of_symbol() -> dict[str, int]:
    """The bytes behind the printable symbols of byte-level vocabularies (GPT-2's table)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {chr(byte): byte for byte in printable}
    for byte in range(256):
        if byte not in printable:  # the first of these is 256, the next 257, and so on
            table[chr(256 + len(table) - len(printable))] = byte
    return table


BYTE_OF = byte_of_symbol()
