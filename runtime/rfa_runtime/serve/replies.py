"""What clients get: OpenAI's objects, whole or in chunks.  finish_reason is null until a text is over."""

from __future__ import annotations

import json
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tokenizers import Tokenizer

from rfa_runtime.decoding.generation import Piece
from rfa_runtime.decoding.likelihood import Likelihood

Json = dict[str, Any]
Spell = Callable[[int], tuple[str, bool]]
BROKEN = "\N{REPLACEMENT CHARACTER}"
"""Stands for bytes that are no character."""
DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": keep-alive\n\n"
COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
"""Made once: `json.dumps` would make one for each token."""


def event(table: Json) -> bytes:
    """One event of a stream."""
    return b"data: " + COMPACT.encode(table).encode() + b"\n\n"


@dataclass(frozen=True)
class Usage:
    """Tokens of a request: all figures or none, as clients add them up."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int

    def as_table(self) -> Json:
        """As JSON."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": self.cached_tokens},
        }


@dataclass
class Written:
    """One text as it grows."""

    pieces: list[Piece] = field(default_factory=list)

    @property
    def text(self) -> str:
        """So far."""
        return "".join(piece.text for piece in self.pieces)

    @property
    def finish_reason(self) -> str | None:
        """Of the last piece."""
        return self.pieces[-1].finish_reason if self.pieces else None


class Words:
    """Tokens as the text that they stand for, for likelihoods."""

    def __init__(self, spell: Spell) -> None:
        """spell: see `speller`."""
        self._spell = spell

    def of_completion(self, pieces: Sequence[Piece], offset: int) -> Json | None:
        """Likelihoods in the form of /v1/completions; None where nobody asked.  offset: characters before."""
        likely = likelihoods(pieces)
        if not likely:
            return None
        offsets = []
        for piece in pieces:
            offsets.append(offset)
            offset += len(piece.text)
        tops = []
        for one in likely:
            tops.append({self._spell(token)[0]: logprob for token, logprob in one.top})
        return {
            "tokens": [self._spell(piece.token_id)[0] for piece in pieces],
            "token_logprobs": [one.logprob for one in likely],
            "top_logprobs": tops,
            "text_offset": offsets[: len(likely)],
        }

    def of_chat(self, pieces: Sequence[Piece]) -> Json | None:
        """The same in the form of /v1/chat/completions."""
        likely = likelihoods(pieces)
        if not likely:
            return None
        content = []
        for piece, one in zip(pieces, likely, strict=False):
            top = [self._entry(token, logprob) for token, logprob in one.top]
            content.append({**self._entry(piece.token_id, one.logprob), "top_logprobs": top})
        return {"content": content, "refusal": None}

    def _entry(self, token: int, logprob: float) -> Json:
        text, whole = self._spell(token)
        return {"token": text, "logprob": logprob, "bytes": list(text.encode()) if whole else None}


def speller(tokenizer: Tokenizer | None) -> Spell:
    """A function from a token to its text in the middle of another text, where it keeps the space before it.

    It gives the text, and whether that is all: bytes that are no character by themselves have the tokenizer's own name.
    """
    if tokenizer is None:
        return lambda token: (str(token), False)
    before = tokenizer.encode("a", add_special_tokens=False).ids
    start = len(tokenizer.decode(before))

    def spell(token: int) -> tuple[str, bool]:
        text: str = tokenizer.decode([*before, token], skip_special_tokens=False)[start:]
        if BROKEN in text:
            return tokenizer.id_to_token(token) or str(token), False
        return text, True

    return spell


def likelihoods(pieces: Sequence[Piece]) -> list[Likelihood]:
    """Of all pieces that have one."""
    return [piece.likelihood for piece in pieces if piece.likelihood is not None]


class Form(ABC):
    """The objects of one reply: they share an id, a time and the name of the model."""

    prefix = ""
    whole = ""
    part = ""

    def __init__(self, model: str, words: Words) -> None:
        self.words = words
        self.id = f"{self.prefix}-{secrets.token_hex(12)}"
        self._model = model
        self._created = int(time.time())

    def reply(self, texts: Sequence[Written], usage: Usage) -> Json:
        """All texts at once."""
        choices = [self.choice(place, written) for place, written in enumerate(texts)]
        return {**self._head(self.whole), "choices": choices, "usage": usage.as_table()}

    def chunk(self, choices: list[Json], usage: Usage | None, wants_usage: bool) -> Json:
        """A part of a reply.  Where usage is wanted, all chunks have the field: null before the last."""
        found = {**self._head(self.part), "choices": choices}
        if wants_usage:
            found["usage"] = None if usage is None else usage.as_table()
        return found

    @abstractmethod
    def choice(self, place: int, written: Written) -> Json:
        """A whole text."""

    @abstractmethod
    def begin(self, place: int) -> Json | None:
        """What a stream says before the first piece of a text, if anything."""

    @abstractmethod
    def delta(self, place: int, piece: Piece, offset: int) -> Json:
        """A piece of a text.  offset: characters before."""

    def _head(self, kind: str) -> Json:
        return {"id": self.id, "object": kind, "created": self._created, "model": self._model}


class CompletionForm(Form):
    """/v1/completions."""

    prefix = "cmpl"
    whole = part = "text_completion"

    def choice(self, place: int, written: Written) -> Json:
        """A whole text."""
        return {
            "index": place,
            "text": written.text,
            "logprobs": self.words.of_completion(written.pieces, 0),
            "finish_reason": written.finish_reason,
        }

    def begin(self, place: int) -> Json | None:
        """Nothing."""
        return None

    def delta(self, place: int, piece: Piece, offset: int) -> Json:
        """A piece of a text."""
        return {
            "index": place,
            "text": piece.text,
            "logprobs": self.words.of_completion([piece], offset),
            "finish_reason": piece.finish_reason,
        }


class ChatForm(Form):
    """/v1/chat/completions."""

    prefix = "chatcmpl"
    whole = "chat.completion"
    part = "chat.completion.chunk"

    def choice(self, place: int, written: Written) -> Json:
        """A whole answer."""
        return {
            "index": place,
            "message": {"role": "assistant", "content": written.text, "refusal": None},
            "logprobs": self.words.of_chat(written.pieces),
            "finish_reason": written.finish_reason,
        }

    def begin(self, place: int) -> Json | None:
        """Who speaks."""
        delta = {"role": "assistant", "content": ""}
        return {"index": place, "delta": delta, "logprobs": None, "finish_reason": None}

    def delta(self, place: int, piece: Piece, offset: int) -> Json:
        """A piece of an answer."""
        return {
            "index": place,
            "delta": {"content": piece.text} if piece.text else {},
            "logprobs": self.words.of_chat([piece]),
            "finish_reason": piece.finish_reason,
        }
