"""Text from tokens that are words, and single bytes such as `<0xE6>` for what is no word: Llama's vocabularies.

Decoders look at a run of byte tokens as a whole.  Where it is UTF-8, its characters are the text; where one byte is
wrong, every byte of the run becomes a sign of its own.  So the text of a run is certain when the run ends.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

from tokenizers import Tokenizer

from rfa_runtime.decoding.window_text import REPLACEMENT, Window, has_text, silent_tokens

BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")
LONGEST_RUN = 32
"""Byte tokens that are held.  A longer run is shown as it comes: should a byte in it be wrong, those before it keep
their characters."""
PROMPT_TOKENS = 64
"""Last tokens of a prompt that are read again, as it may end in a run."""


class FallbackDetokenizer:
    """Decodes words as they come and runs of bytes at their ends."""

    def __init__(self, tokenizer: Tokenizer, prompt: Sequence[int] = ()) -> None:
        """Begin after a prompt, which may end within a run of bytes."""
        self._tokenizer = tokenizer
        self._silent = silent_tokens(tokenizer)
        self._byte_of: dict[int, int | None] = {}
        self._window = Window(tokenizer)
        self._begin_run()
        for token in self._end_of(prompt):
            self.push(token)
        if self._window.text_of(self._run):
            self._leave_to_prompt()

    def push(self, token: int) -> str:
        """Take a token, return the characters that are certain now."""
        byte = self._byte(token)
        if byte is not None:
            return self._push_byte(token, byte)
        if not has_text(self._tokenizer, token, self._silent):
            return ""
        before = self.flush()
        text = self._window.text_of([token])
        self._window.take([token], text)
        return before + text

    def flush(self) -> str:
        """Return what is left of a run, when no more bytes come."""
        text = ""
        if self._held():
            text = self._break()
        elif self._run:
            text = self._window.text_of(self._run)
            self._window.take(self._run, text)
        self._begin_run()
        return text

    def _push_byte(self, token: int, byte: int) -> str:
        if self._broken:
            return REPLACEMENT
        self._run.append(token)
        try:
            character = self._decoder.decode(bytes([byte]))
        except UnicodeDecodeError:
            return self._break()
        if not character or len(self._run) < LONGEST_RUN:
            return ""
        return self._release(len(self._run))

    def _begin_run(self) -> None:
        self._run: list[int] = []
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._broken = False
        self._of_prompt = 0
        """Tokens of the run that the prompt's text has shown as signs already."""

    def _held(self) -> int:
        """Bytes at the end of the run that are no whole character."""
        return len(self._decoder.getstate()[0])

    def _break(self) -> str:
        """A byte is wrong: so are all that the run holds, and all that follow in it."""
        text = REPLACEMENT * (len(self._run) - self._of_prompt)
        self._window.begin_after(self._run[-1:])
        self._decoder.reset()
        self._run = []
        self._broken = True
        return text

    def _release(self, count: int) -> str:
        """Give the text of the first tokens of the run, which are whole characters."""
        text = self._window.text_of(self._run[:count])
        self._window.begin_after(self._run[:count])  # a context must not begin within a character
        self._run = self._run[count:]
        return text

    def _leave_to_prompt(self) -> None:
        """What the prompt's run holds is not part of the answer."""
        whole = len(self._run) - self._held()
        if whole:
            self._release(whole)
        self._of_prompt = len(self._run)

    def _byte(self, token: int) -> int | None:
        """The byte that a token stands for; None for a word."""
        if token not in self._byte_of:
            name = None if token in self._silent else self._tokenizer.id_to_token(token)
            found = BYTE_TOKEN.fullmatch(name or "")
            self._byte_of[token] = int(found[1], 16) if found else None
        return self._byte_of[token]

    def _end_of(self, prompt: Sequence[int]) -> list[int]:
        """The last tokens of a prompt, the rest of a character that begins before them left out."""
        tokens = list(prompt[-PROMPT_TOKENS:])
        if len(prompt) <= PROMPT_TOKENS:
            return tokens
        while tokens and is_rest(self._byte(tokens[0])):
            del tokens[0]
        return tokens


def is_rest(byte: int | None) -> bool:
    """Whether UTF-8 has a byte at the second or a later place of a character only."""
    return byte is not None and 0x80 <= byte < 0xC0
