"""A text that is read, written, saved and taken up again is the text that was never put down."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rfa_runtime import Bundle, Conversation, Decoder, State
from rfa_runtime.errors import PromptError, StateError

SETTINGS: dict[str, Any] = {"temperature": 0.0}


@pytest.fixture
def decoder(toys: Callable[..., Bundle], kind: str) -> Decoder:
    return Decoder(toys(kind), threads=1)


def written(talk: Conversation, count: int, prompt: str | None = None) -> list[int]:
    return [piece.token_id for piece in talk.write(prompt, max_new_tokens=count, **SETTINGS)]


def test_a_text_in_parts_is_the_text_at_once(decoder: Decoder, tmp_path: Path) -> None:
    wanted = decoder.generate("Once upon", max_new_tokens=60, **SETTINGS).token_ids
    talk = Conversation(decoder)
    found = written(talk, 20, "Once upon")
    talk.save(tmp_path / "text.state")
    again = Conversation.load(decoder, tmp_path / "text.state")
    assert again.token_ids == [*b"Once upon", *found]
    other = again.fork()
    assert found + written(again, 40) == wanted
    assert found + written(other, 40) == wanted


def test_more_can_be_said_in_between(decoder: Decoder) -> None:
    talk = Conversation(decoder)
    first = written(talk, 5, "a")
    second = written(talk, 5, "bc")
    wanted = decoder.generate([97, *first, 98, 99], max_new_tokens=5, **SETTINGS).token_ids
    assert second == wanted
    assert talk.token_ids == [97, *first, 98, 99, *second]


def test_whoever_stops_reading_ends_the_text_there(decoder: Decoder) -> None:
    talk = Conversation(decoder)
    pieces = talk.write("a", max_new_tokens=None, **SETTINGS)
    found = [next(pieces).token_id for _ in range(7)]
    pieces.close()
    assert talk.token_ids == [97, *found]
    rest = written(talk, 5)
    assert found + rest == decoder.generate("a", max_new_tokens=12, **SETTINGS).token_ids


def test_nothing_comes_of_nothing(decoder: Decoder) -> None:
    with pytest.raises(PromptError, match="nothing was read yet"):
        next(Conversation(decoder).write())


def test_a_file_of_several_texts_is_no_conversation(decoder: Decoder, tmp_path: Path) -> None:
    state = State.stack([decoder.session.new_state(), decoder.session.new_state()])
    state.save(tmp_path / "two.state")
    with pytest.raises(StateError, match="wanted one with them"):
        Conversation.load(decoder, tmp_path / "two.state")
