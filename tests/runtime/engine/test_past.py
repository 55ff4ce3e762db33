"""A text that goes on where another one ended: the tokens are those of one long text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rfa_runtime import Bundle, Conversation, Decoder, Engine, Past
from rfa_runtime.errors import PromptError, StateError


@pytest.fixture
def engine(toys: Callable[..., Bundle], kind: str) -> Iterator[Engine]:
    with Engine(toys(kind), threads=1, max_streams=4) as made:
        yield made


def past_of(engine: Engine, prompt: str, length: int) -> Past:
    stream = engine.submit(prompt, temperature=0.0, max_new_tokens=length, keep_end=True)
    stream.result()
    assert stream.end is not None
    return stream.end


@pytest.mark.parametrize("length", [1, 2, 9])
def test_two_texts_are_one(engine: Engine, length: int) -> None:
    wanted = Decoder(engine.bundle, threads=1).generate("Once", temperature=0.0, max_new_tokens=length + 12)
    past = past_of(engine, "Once", length)
    assert past.ids.tolist() == [*b"Once", *wanted.token_ids[:length]]
    for _ in range(2):  # what was kept stays as it was
        found = engine.submit([], past=past, temperature=0.0, max_new_tokens=12).result()
        assert found.token_ids == wanted.token_ids[length:]
        assert found.prompt_tokens == 0


def test_more_can_be_read_in_between(engine: Engine) -> None:
    talk = Conversation(Decoder(engine.bundle, threads=1))
    first = [piece.token_id for piece in talk.write("Once", temperature=0.0, max_new_tokens=5)]
    second = [piece.token_id for piece in talk.write(" upon", temperature=0.0, max_new_tokens=5)]
    past = past_of(engine, "Once", 5)
    others = [engine.submit("x", max_new_tokens=30) for _ in range(3)]
    stream = engine.submit(" upon", past=past, keep_end=True, temperature=0.0, max_new_tokens=5)
    assert list(stream.result().token_ids) == second
    assert stream.end is not None
    assert stream.end.ids.tolist() == [*b"Once", *first, *b" upon", *second]
    for other in others:
        other.result()


def test_an_end_is_a_file_that_a_conversation_reads(engine: Engine, tmp_path: Path) -> None:
    past = past_of(engine, "Once", 5)
    past.save(tmp_path / "once.state")
    talk = Conversation.load(Decoder(engine.bundle, threads=1), tmp_path / "once.state")
    found = [piece.token_id for piece in talk.write(temperature=0.0, max_new_tokens=5)]
    again = Past.from_bytes(past.to_bytes(), engine.bundle)
    assert found == engine.submit([], past=again, temperature=0.0, max_new_tokens=5).result().token_ids


def test_several_texts_end_in_several_places(engine: Engine) -> None:
    streams = engine.submit_several("Once", 3, keep_end=True, temperature=1.0, seed=3, max_new_tokens=1)
    for stream in streams:
        found = stream.result()
        assert stream.end is not None
        assert stream.end.ids.tolist() == [*b"Once", *found.token_ids]


def test_a_text_that_was_cancelled_has_no_end(engine: Engine) -> None:
    stream = engine.submit("Once", keep_end=True, max_new_tokens=None, ignore_eos=True)
    next(stream)
    stream.cancel()
    stream.result()
    assert stream.end is None


def test_what_goes_on_does_not_come_into_the_prefix_cache(engine: Engine) -> None:
    past = past_of(engine, "Once upon a time there was", 3)
    engine.submit("Once upon a time there was", past=past, max_new_tokens=2).result()
    wanted = Decoder(engine.bundle, threads=1).generate("Once upon a time there was", max_new_tokens=8, seed=1)
    assert engine.submit("Once upon a time there was", max_new_tokens=8, seed=1).result().text == wanted.text


def test_a_past_of_another_bundle_is_refused(toys: Callable[..., Bundle]) -> None:
    with Engine(toys("rfa"), threads=1) as one, Engine(toys("softmax"), threads=1) as other:
        past = past_of(one, "Once", 2)
        with pytest.raises(StateError, match="another bundle"):
            other.submit([], past=past)
        past.state.reset()
        with pytest.raises(PromptError, match="nothing to read"):
            one.submit([], past=past)
