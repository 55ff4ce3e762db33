"""A conversation in turns: what the user says, what the model answers, and the way back."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rfa_runtime.decoding.chat_template import ChatTemplate, Message
from rfa_runtime.decoding.generation import Piece
from rfa_runtime.errors import OptionError
from rfa_runtime.tasks.conversation import Conversation
from rfa_runtime.tasks.language import Decoder


@dataclass(frozen=True)
class Turn:
    """Where a chat stood."""

    talk: Conversation
    messages: tuple[Message, ...]


class ChatSession:
    """A chat with a model.  A state of fixed size makes each turn something to come back to.

    Where the bundle has a chat template, that makes a text of the messages; else what is said is read as it is.
    """

    def __init__(self, decoder: Decoder, template: ChatTemplate | None, settings: dict[str, Any]) -> None:
        """settings: of every answer, as for `Decoder.stream`."""
        self.decoder = decoder
        self.settings = settings
        self._template = template
        self._now = Turn(Conversation(decoder), ())
        self._before: list[Turn] = []
        self._answer: Generator[Piece] | None = None
        """Of the last turn, where it may not be read to its end."""

    @property
    def messages(self) -> tuple[Message, ...]:
        """What was said so far."""
        return self._now.messages

    @property
    def talk(self) -> Conversation:
        """The text so far."""
        return self._now.talk

    def say(self, content: str) -> Generator[Piece]:
        """Say something, and yield the answer.  Whoever stops reading ends the answer there.  Raises PromptError."""
        self._close()
        now = self._now
        messages = (*now.messages, Message("user", content))
        if self._template is None:
            prompt: str | list[int] = content
        else:
            prompt = self._template.encode_after(messages).ids
            if now.talk.token_ids and prompt[:1] == now.talk.token_ids[-1:].tolist():
                prompt = prompt[1:]  # the model ended its answer with the token that the template has there
        talk = now.talk.fork()
        pieces = talk.write(prompt, **self.settings)
        self._before.append(now)
        self._now = Turn(talk, messages)
        self._answer = self._answered(pieces, talk, messages)
        return self._answer

    def _answered(
        self, pieces: Generator[Piece], talk: Conversation, messages: tuple[Message, ...]
    ) -> Generator[Piece]:
        """Pass pieces on, and take note of the answer that they make."""
        answer = ""
        try:
            for piece in pieces:
                answer += piece.text
                yield piece
        finally:
            pieces.close()
            self._now = Turn(talk, (*messages, Message("assistant", answer)))

    def undo(self) -> str:
        """Go back to before the last turn.  Returns what the user had said; nothing where a file was loaded.

        Raises OptionError where there is nothing to go back to.
        """
        self._close()
        if not self._before:
            raise OptionError("nothing was said yet: there is nothing to go back to")
        undone = self._now
        self._now = self._before.pop()
        said = [message.content for message in undone.messages[len(self._now.messages) :] if message.role == "user"]
        return said[0] if said else ""

    def _close(self) -> None:
        """End an answer that is not read to its end."""
        if self._answer is not None:
            self._answer.close()
            self._answer = None

    def fork(self) -> ChatSession:
        """Another chat that goes on from here."""
        self._close()
        other = ChatSession(self.decoder, self._template, self.settings)
        other._now = replace(self._now, talk=self._now.talk.fork())
        other._before = list(self._before)
        return other

    def save(self, path: Path | str) -> None:
        """Write the text so far to a file.  Raises OSError."""
        self._close()
        self._now.talk.save(path)

    def load(self, path: Path | str) -> None:
        """Go on with the text in a file.  Raises as `Conversation.load` does."""
        self._close()
        talk = Conversation.load(self.decoder, path)
        self._before.append(self._now)
        self._now = Turn(talk, ())
