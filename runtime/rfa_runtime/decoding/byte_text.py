"""Text from the tokens of a byte-level tokenizer: exact, as its tokens are read as bytes."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

from tokenizers import Tokenizer

from rfa_runtime.decoding.window_text import silent_tokens

CHARACTER_BYTES = 4
"""A character of UTF-8 has no more."""
PROMPT_TOKENS = 64
"""Last tokens of a prompt in which its last bytes are looked for: some tokens have none."""


class ByteDetokenizer:
    """Looks up each token's bytes and decodes them as UTF-8."""

    def __init__(self, tokenizer: Tokenizer, prompt: Sequence[int] = ()) -> None:
        """Begin after a prompt, which may end within a character."""
        self._tokenizer = tokenizer
        self._bytes: dict[int, bytes] = {}
        self._texts: dict[int, str] = {}
        self._silent = silent_tokens(tokenizer)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        before = b"".join(map(self._spell, prompt[-PROMPT_TOKENS:]))
        self._decoder.decode(before[-CHARACTER_BYTES:])
        self._open = bool(self._held())
        self._told = self._held().decode("utf-8", "replace")
        """Signs at the end of the prompt's text for the bytes of a character that is not whole."""

    def push(self, token: int) -> str:
        """Take a token, return the characters that are whole now."""
        text = None if self._open else self._texts.get(token)
        return self._push_bytes(token) if text is None else text

    def flush(self) -> str:
        """Return what is left, when no more tokens come."""
        self._open = False
        return self._after_prompt(self._decoder.decode(b"", final=True))

    def _push_bytes(self, token: int) -> str:
        """The way of a token that comes for the first time, or while a character is open."""
        found = self._bytes.get(token)
        if found is None:
            found = self._bytes[token] = self._spell(token)
        whole = not self._open
        text = self._decoder.decode(found)
        self._open = bool(self._held())
        if whole and not self._open:  # complete in itself: next time a look-up will do
            self._texts[token] = text
        return self._after_prompt(text) if self._told else text

    def _after_prompt(self, text: str) -> str:
        """Leave out the signs that the prompt's text has, where nothing completed its last character."""
        if not text:
            return text
        told = self._told
        self._told = ""
        return text.removeprefix(told)

    def _held(self) -> bytes:
        """The bytes of a character that is not whole."""
        return self._decoder.getstate()[0]

    def _spell(self, token: int) -> bytes:
        text = None if token in self._silent else self._tokenizer.id_to_token(token)
        if text is None:
            return b""
        try:
            return bytes(BYTE_OF[symbol] for symbol in text)
        except KeyError:  # an added token, written as it reads
            return text.encode()


def byte_of_symbol() -> dict[str, int]:
    """The bytes behind the printable symbols of byte-level vocabularies (GPT-2's table)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {chr(byte): byte for byte in printable}
    for byte in range(256):
        if byte not in printable:  # the first of these is 256, the next 257, and so on
            table[chr(256 + len(table) - len(printable))] = byte
    return table


BYTE_OF = byte_of_symbol()
