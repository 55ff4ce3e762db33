"""Language models behind HTTP: from prompts to texts that the engine writes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rfa_runtime.bundle.bundle import Bundle
from rfa_runtime.decoding.chat_template import Message, chat_template
from rfa_runtime.decoding.past import Past
from rfa_runtime.engine.engine import Engine, stream_bytes
from rfa_runtime.serve.answer import Answer
from rfa_runtime.serve.memory import Memory, no_memory, of_client, of_session
from rfa_runtime.serve.problems import ApiError
from rfa_runtime.serve.replies import Words, speller
from rfa_runtime.serve.service import Service, too_many
from rfa_runtime.serve.sessions import Sessions
from rfa_runtime.serve.settings import ServeSettings
from rfa_runtime.serve.wire import Generating

NEXT_SPEAKER = "\nuser:"
"""Ends an answer where the bundle has no chat template."""
TAIL_TOKENS = 16
"""More than the next speaker has."""


@dataclass(frozen=True)
class Ask:
    """A prompt as tokens."""

    ids: list[int]
    boundaries: tuple[int, ...] = ()
    """Numbers of tokens after which a message ends."""


class TextService(Service[Engine]):
    """A language model."""

    def __init__(self, bundle: Bundle, settings: ServeSettings, open_model: Callable[[], Engine]) -> None:
        """Raises OSError where there can be no folder of sessions, OutputBusyError where another server has it."""
        super().__init__(bundle, settings, open_model)
        self.sessions = Sessions(bundle, settings)
        self.state_bytes = stream_bytes(bundle)

    async def close(self) -> None:
        """End all texts."""
        if self.ready:
            await asyncio.to_thread(self.model.close)
        self.sessions.close()

    @property
    def counts(self) -> tuple[int, int]:
        """Texts that wait, and that are written."""
        if not self.ready:
            return 0, 0
        waiting, reading, writing = self.model.counts
        return waiting, reading + writing

    def figures(self) -> bytes:
        """For Prometheus, with those of sessions."""
        self.metrics.note_sessions(len(self.sessions), *self.sessions.kept_bytes)
        return super().figures()

    @property
    def words(self) -> Words:
        """Tokens as text."""
        return Words(speller(self.model.writer.tokenizer))

    def recall(self, asked: Generating, texts: int) -> Memory:
        """What a request for so many texts goes on from.  Raises ApiError.  Whoever gets it releases it."""
        if asked.session is None and asked.state is None and not asked.return_state:
            return no_memory()
        self._check_recall(asked, texts)
        device = self.model.session.device
        if asked.session is not None:
            return of_session(self.sessions, asked.session, device, asked.return_state)
        return of_client(asked.state, self.bundle, device, asked.return_state)

    def _check_recall(self, asked: Generating, texts: int) -> None:
        if texts != 1:
            raise ApiError(400, f"{texts} texts were asked for: what is remembered goes on as one")
        if asked.session is not None and asked.state is not None:
            raise ApiError(400, "a session and a state came: wanted one", param="state")
        if asked.state is not None or asked.return_state:
            self.check_client_states()

    def check_client_states(self) -> None:
        """Raise ApiError where clients get no states."""
        if not self.settings.client_states:
            raise ApiError(400, "this server neither gives states to clients nor takes them", param="state")

    def encode(self, prompt: str | list[int], past: Past | None = None) -> Ask:
        """The tokens of a prompt.  past: it goes on from there.  Raises ApiError for too many, PromptError."""
        ids = self.model.writer.encode(prompt, after=past is not None)
        self._check_length(ids)
        return Ask(ids)

    def encode_chat(self, messages: Sequence[Message], past: Past | None = None) -> tuple[Ask, tuple[str, ...]]:
        """The tokens of a chat, and strings that end the answer.  Raises as `encode` does.

        past: it has read everything up to the assistant's last answer, which is left out here.
        """
        writer = self.model.writer
        template = None if writer.tokenizer is None else chat_template(self.bundle, writer.tokenizer)
        if template is None:
            text = as_lines(messages) if past is None else as_lines_after(messages, self._tail(past))
            return self.encode(text, past), (NEXT_SPEAKER,)
        if past is None:
            chat = template.encode(messages)
            ids = writer.encode(chat.ids)
        else:
            chat = template.encode_after(messages)
            ids = writer.encode(chat.ids, after=True)
            if ids[:1] == past.ids[-1:].tolist():
                ids = ids[1:]  # the model ended its answer with the token that the template has there
        self._check_length(ids)
        added = len(ids) - len(chat.ids)  # a start token that the template lacks, or an end that was read before
        places = (place + added for place in chat.boundaries)
        return Ask(ids, tuple(place for place in places if place > 0)), ()

    def ask(self, asks: Sequence[Ask], count: int, wanted: dict[str, Any], memory: Memory) -> Answer:
        """Ask for `count` texts of each prompt.  Raises ApiError where too many wait, or came at once."""
        texts = len(asks) * count
        if texts > self.settings.max_texts:
            raise ApiError(400, f"{texts} texts were asked for, this server writes up to {self.settings.max_texts}")
        engine = self.model
        waiting, _ = self.counts
        if waiting + texts > self.settings.max_queue + engine.max_streams:
            raise too_many(waiting, "texts")
        streams = []
        for one in asks:
            streams += engine.submit_several(
                one.ids, count, boundaries=one.boundaries, past=memory.past, keep_end=memory.keeps_end, **wanted
            )
        return Answer(self.settings, self.metrics, streams, count, memory)

    def _tail(self, past: Past) -> str:
        """The end of a text that was read, as far as the next speaker may be in it."""
        tokenizer = self.model.writer.tokenizer
        if tokenizer is None:
            return ""
        return str(tokenizer.decode(past.ids[-TAIL_TOKENS:].tolist(), skip_special_tokens=False))

    def _check_length(self, ids: list[int]) -> None:
        most = self.settings.max_prompt_tokens
        if len(ids) > most:
            raise ApiError(
                400,
                f"the prompt has {len(ids):,} tokens, this server reads up to {most:,}: shorten it",
                code="context_length_exceeded",
            )


def as_lines(messages: Sequence[Message]) -> str:
    """A chat where there is no template: a line for each message."""
    lines = [f"{message.role}: {message.content}\n" for message in messages]
    return "".join(lines) + "assistant:"


def as_lines_after(messages: Sequence[Message], tail: str) -> str:
    """The same behind the assistant's last answer.  tail: the end of what was read.

    Where the next speaker ended the answer, who speaks was read already.
    """
    answers = [place for place, message in enumerate(messages) if message.role == "assistant"]
    behind = messages[answers[-1] + 1 :] if answers else messages
    text = "\n" + as_lines(behind)
    if tail.endswith(NEXT_SPEAKER):
        return text.removeprefix(NEXT_SPEAKER)
    return text
