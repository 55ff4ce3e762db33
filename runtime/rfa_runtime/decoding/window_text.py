"""Text from tokens whose spelling depends on the few tokens before them: on whether they are the first, most of all."""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import Tokenizer

REPLACEMENT = "\ufffd"
"""What decoders put in place of bytes that are no character, or not yet."""
CONTEXT = 4
"""Tokens that are kept as context at least.  One is enough to be no longer the first; a mark for a space has no text
there, so that a few are kept."""
LONGEST_CONTEXT = 2 * CONTEXT
"""More are cut back to CONTEXT: not at each token, as the text before must then be decoded again."""
LONGEST_WAIT = 8
"""Tokens held for a character to become whole."""
OPEN_TOKENS = 3
"""Of these the last may belong to a character that is not whole: it has 4 bytes at most."""


class Window:
    """What tokens add to the text of the tokens before them, of which it keeps a few."""

    def __init__(self, tokenizer: Tokenizer, context: Sequence[int] = ()) -> None:
        self._tokenizer = tokenizer
        self.begin_after(context)

    def begin_after(self, context: Sequence[int]) -> None:
        """Put other tokens before those that come."""
        self._context = list(context)
        self._known = len(self._tokenizer.decode(self._context))

    def text_of(self, tokens: list[int]) -> str:
        """What the tokens add to the text."""
        return str(self._tokenizer.decode(self._context + tokens)[self._known :])

    def take(self, tokens: list[int], text: str) -> None:
        """Make tokens a part of the context.  text: what they add."""
        self._context = self._context + tokens
        self._known += len(text)
        if len(self._context) > LONGEST_CONTEXT:
            self.begin_after(self._context[-CONTEXT:])


class WindowDetokenizer:
    """Decodes each token together with some before it."""

    def __init__(self, tokenizer: Tokenizer, prompt: Sequence[int] = ()) -> None:
        """Begin after a prompt."""
        self._tokenizer = tokenizer
        self._silent = silent_tokens(tokenizer)
        self._window = Window(tokenizer, last_with_text(tokenizer, prompt, CONTEXT, self._silent))
        self._waiting: list[int] = []

    def push(self, token: int) -> str:
        """Take a token, return the characters that are certain now."""
        if not has_text(self._tokenizer, token, self._silent):
            return ""
        self._waiting.append(token)
        text = self._window.text_of(self._waiting)
        if not text.endswith(REPLACEMENT):
            return self._release(len(self._waiting), text)
        if len(self._waiting) < LONGEST_WAIT:
            return ""
        count = LONGEST_WAIT - OPEN_TOKENS
        return self._release(count, self._window.text_of(self._waiting[:count]))

    def flush(self) -> str:
        """Return what is left, when no more tokens come."""
        return self._release(len(self._waiting), self._window.text_of(self._waiting))

    def _release(self, count: int, text: str) -> str:
        """Give the text of the first tokens that wait.  They become context."""
        self._window.take(self._waiting[:count], text)
        self._waiting = self._waiting[count:]
        return text


def silent_tokens(tokenizer: Tokenizer) -> set[int]:
    """Special tokens: decoders see nothing of them."""
    added = tokenizer.get_added_tokens_decoder()
    return {token for token, entry in added.items() if entry.special}


def has_text(tokenizer: Tokenizer, token: int, silent: set[int]) -> bool:
    """Whether decoders see a token: a special one and one without a name leave no trace."""
    return token not in silent and tokenizer.id_to_token(token) is not None


def last_with_text(tokenizer: Tokenizer, prompt: Sequence[int], count: int, silent: set[int]) -> list[int]:
    """The last tokens of a prompt that decoders see, `count` at most."""
    found: list[int] = []
    for token in reversed(prompt):
        if len(found) == count:
            break
        if has_text(tokenizer, token, silent):
            found.insert(0, token)
    return found
