"""Many texts at once: each is the one that `Decoder` writes by itself."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from rfa_runtime import Bundle, Decoder, Engine, Pace
from rfa_runtime.engine.engine import stream_bytes
from rfa_runtime.engine.job import CANCELLED
from rfa_runtime.errors import LogitsError, OptionError, PromptError, SessionError


@pytest.fixture
def engine(toys: Callable[..., Bundle], kind: str) -> Iterator[Engine]:
    with Engine(toys(kind), threads=1, max_streams=4) as made:
        yield made


def requests(count: int) -> list[tuple[list[int], dict[str, Any]]]:
    rng = random.Random(0)
    found = []
    for _ in range(count):
        ids = [rng.randrange(256) for _ in range(rng.choice([1, 3, 40, 300]))]
        found.append((ids, {"max_new_tokens": rng.randrange(1, 60)}))
    return found


def test_texts_are_those_of_one_by_one(engine: Engine) -> None:
    decoder = Decoder(engine.bundle, threads=1)
    asked = requests(30)
    streams = [engine.submit(ids, **settings) for ids, settings in asked]
    for stream, (ids, settings) in zip(streams, asked, strict=True):
        found = stream.result()
        wanted = decoder.generate(ids, **settings)
        assert (found.token_ids, found.text, found.finish_reason) == (
            wanted.token_ids,
            wanted.text,
            wanted.finish_reason,
        )
        assert found.prompt_tokens == len(ids)
    assert engine.counts == (0, 0, 0)


def test_each_text_has_its_own_settings(engine: Engine) -> None:
    decoder = Decoder(engine.bundle, threads=1)
    several: list[dict[str, Any]] = [
        {"temperature": 1.0, "seed": 3},
        {"temperature": 0.0, "banned_tokens": [65]},
        {"temperature": 1.0, "seed": 4, "top_k": 5, "stop": "e"},
        {"temperature": 0.0, "logprobs": 3},
        {"temperature": 1.0, "seed": 3},
    ]
    streams = [engine.submit("Once upon", max_new_tokens=40, **settings) for settings in several]
    for stream, settings in zip(streams, several, strict=True):
        found = [piece.token_id for piece in stream]
        wanted = decoder.generate("Once upon", max_new_tokens=40, **settings)
        assert found == wanted.token_ids


def test_coroutines_read_at_the_same_time(engine: Engine) -> None:
    async def read(place: int) -> list[int]:
        return [piece.token_id async for piece in engine.submit(f"text {place}", max_new_tokens=30)]

    async def all_of_them() -> list[list[int]]:
        return await asyncio.gather(*map(read, range(8)))

    found = asyncio.run(all_of_them())
    decoder = Decoder(engine.bundle, threads=1)
    assert found == [decoder.generate(f"text {place}", max_new_tokens=30).token_ids for place in range(8)]


def test_threads_ask_at_the_same_time(engine: Engine) -> None:
    found: dict[int, list[int]] = {}

    def ask(place: int) -> None:
        found[place] = engine.submit(f"text {place}", max_new_tokens=30).result().token_ids

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    decoder = Decoder(engine.bundle, threads=1)
    for place in range(8):
        assert found[place] == decoder.generate(f"text {place}", max_new_tokens=30).token_ids


def test_a_text_that_is_cancelled_ends_and_makes_room(engine: Engine) -> None:
    endless = [engine.submit("a", max_new_tokens=None) for _ in range(6)]  # two of them wait
    next(endless[0])
    for stream in endless:
        stream.cancel()
    for stream in endless:
        assert list(stream)[-1].finish_reason == CANCELLED
    assert engine.submit("a", max_new_tokens=3).result().completion_tokens == 3
    assert engine.counts == (0, 0, 0)


def test_what_cannot_be_read_is_refused_at_once(engine: Engine) -> None:
    with pytest.raises(PromptError):
        engine.submit("")
    with pytest.raises(OptionError):
        engine.submit("a", temperature=-1.0)


def test_an_error_of_the_model_reaches_who_waits_and_no_one_else(toy: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    with Engine(toy, threads=1, max_streams=4) as engine:
        step = engine.session.step

        def broken(ids: np.ndarray, state: Any) -> np.ndarray:
            if 66 in ids:
                raise LogitsError("the graph gave logits up to nan")
            return step(ids, state)

        monkeypatch.setattr(engine.session, "step", broken)
        good, bad = engine.submit("a", max_new_tokens=5), engine.submit("B", max_new_tokens=5)
        with pytest.raises(LogitsError):
            bad.result()
        assert good.result().completion_tokens == 5


def test_logits_of_one_text_that_are_no_numbers_end_that_text_alone(
    toy: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Engine(toy, threads=1, max_streams=4) as engine:
        step = engine.session.step

        def broken(ids: np.ndarray, state: Any) -> np.ndarray:
            logits = step(ids, state)
            if len(logits) == 3:
                logits[1] = np.nan
            return logits

        monkeypatch.setattr(engine.session, "step", broken)
        streams = engine.submit_several("a", 3, max_new_tokens=20)
        ends = []
        for stream in streams:
            try:
                ends.append(stream.result().completion_tokens)
            except LogitsError:
                ends.append(0)
        assert sorted(ends) == [0, 20, 20]


def test_nobody_waits_for_an_engine_that_has_died(toy: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    def die() -> None:
        raise RuntimeError("a fault of ours")

    engine = Engine(toy, threads=1, max_streams=1)
    monkeypatch.setattr(engine._core, "turn", die)
    with pytest.raises(RuntimeError, match="a fault of ours"):
        engine.submit("a").result()
    with pytest.raises(SessionError, match="the engine is closed"):
        engine.submit("a")
    engine.close()


def test_a_closed_engine_ends_its_texts(toy: Bundle) -> None:
    engine = Engine(toy, threads=1, max_streams=1)
    stream = engine.submit("a", max_new_tokens=None)
    waiting = engine.submit("a")
    next(stream)
    engine.close()
    engine.close()
    for unfinished in (stream, waiting):
        with pytest.raises(SessionError, match="closed before the text was finished"):
            list(unfinished)
    with pytest.raises(SessionError, match="the engine is closed"):
        engine.submit("a")


def test_a_reader_that_has_gone_harms_nobody(toy: Bundle) -> None:
    with Engine(toy, threads=1, max_streams=1) as engine:
        first = engine.submit("a", max_new_tokens=None)
        waiting = engine.submit("b", max_new_tokens=None)

        async def give_up() -> None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(anext(waiting), 0.01)

        asyncio.run(give_up())
        waiting.cancel()
        assert list(waiting)[-1].finish_reason == CANCELLED
        first.cancel()
        assert first.result().finish_reason == CANCELLED


def test_all_texts_of_a_prompt_end_with_the_engine(toy: Bundle) -> None:
    engine = Engine(toy, threads=1, max_streams=1)
    block = engine.submit("a", max_new_tokens=None)
    streams = engine.submit_several("b", 3, max_new_tokens=None)
    next(block)
    engine.close()
    for stream in (block, *streams):
        with pytest.raises(SessionError, match="closed before the text was finished"):
            stream.result()


def test_several_readers_share_a_stream(engine: Engine) -> None:
    stream = engine.submit("a", max_new_tokens=50)
    found: list[int] = []

    def read() -> None:
        found.extend(piece.token_id for piece in stream)

    async def read_together() -> None:
        async def one() -> None:
            async for piece in other:
                found.append(piece.token_id)

        await asyncio.gather(one(), one(), one())

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 50
    found.clear()
    other = engine.submit("a", max_new_tokens=50)
    asyncio.run(read_together())
    assert len(found) == 50


def test_a_cancelled_text_has_the_tokens_that_were_written(engine: Engine) -> None:
    stream = engine.submit("a", max_new_tokens=None)
    written = [next(stream).token_id for _ in range(5)]
    stream.cancel()
    found = stream.result()
    assert found.token_ids[:5] == written
    assert -1 not in found.token_ids
    assert stream.result() == found
    blocked = [engine.submit("a", max_new_tokens=None) for _ in range(5)]
    blocked[4].cancel()
    assert blocked[4].result().completion_tokens == 0
    for one in blocked:
        one.cancel()


def test_memory_gives_the_number_of_streams(toy: Bundle) -> None:
    each = stream_bytes(toy)
    with Engine(toy, threads=1, memory_bytes=10 * each + 1) as engine:
        assert engine.max_streams == 10
    with pytest.raises(OptionError, match="memory_bytes is 5"):
        Engine(toy, memory_bytes=5)
    with pytest.raises(OptionError, match="came together"):
        Engine(toy, memory_bytes=5, max_streams=1)
    for pace in ({"share": 0.0}, {"share": 2.0}, {"longest_pause": 0.0}):
        with pytest.raises(OptionError, match="wanted"):
            Pace(**pace)


def test_several_continuations_read_the_prompt_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    step = engine.session.step

    def counted(ids: np.ndarray, state: Any) -> np.ndarray:
        read.append(ids.size)
        return step(ids, state)

    monkeypatch.setattr(engine.session, "step", counted)
    ids = list(range(200)) * 2
    streams = engine.submit_several(ids, 10, temperature=1.0, seed=7, max_new_tokens=1)  # only 4 find a place at once
    for stream in streams:
        stream.result()
    assert sum(read) == len(ids)
    assert [stream.cached_tokens for stream in streams] == [0] + [len(ids)] * 9


def test_continuations_are_those_of_a_batch(engine: Engine) -> None:
    settings: dict[str, Any] = {"temperature": 1.0, "seed": 7, "max_new_tokens": 30}
    streams = engine.submit_several("Once upon", 6, **settings)
    wanted = Decoder(engine.bundle, threads=1).generate_batch(["Once upon"] * 6, **settings)
    assert [stream.result().token_ids for stream in streams] == [row.token_ids for row in wanted]


def test_continuations_go_on_where_the_first_is_cancelled(engine: Engine) -> None:
    block = [engine.submit("a", max_new_tokens=None) for _ in range(4)]
    streams = engine.submit_several("b", 4, max_new_tokens=5)
    gone = streams.pop(1)  # whom the others could not follow
    gone.cancel()
    assert list(gone)[-1].finish_reason == CANCELLED
    streams[0].cancel()
    for stream in block:
        stream.cancel()
    assert list(streams[0])[-1].finish_reason == CANCELLED
    assert [stream.result().completion_tokens for stream in streams[1:]] == [5, 5]


def logits_of(engine: Engine, ids: list[int]) -> tuple[int, list[float]]:
    """Tokens that a state knew, and the logarithms of all tokens after the prompt."""
    stream = engine.submit(ids, max_new_tokens=1, logprobs=100)
    piece = next(stream)
    assert piece.likelihood is not None
    return stream.cached_tokens, [value for _, value in piece.likelihood.top]


def test_a_prompt_that_was_read_is_not_read_again(toys: Callable[..., Bundle], kind: str) -> None:
    rng = random.Random(0)
    shared = [rng.randrange(256) for _ in range(300)]
    with Engine(toys(kind), threads=1, max_streams=4) as engine:
        first = logits_of(engine, shared)
        again = logits_of(engine, shared)
        longer = logits_of(engine, [*shared, 1, 2, 3])
    with Engine(toys(kind), threads=1, max_streams=4, cache_bytes=0) as engine:
        wanted = logits_of(engine, shared)
    assert first == wanted
    assert again == (300, wanted[1])
    assert longer[0] == 300


def test_a_hit_has_the_same_logits_bit_for_bit(toys: Callable[..., Bundle], kind: str) -> None:
    """Where the prompt is read in the same chunks: the first engine ends one after the 40th token, too."""
    ids = list(range(100))
    with Engine(toys(kind), threads=1) as engine:
        stream = engine.submit(ids, boundaries=[40], max_new_tokens=1, logprobs=100)
        wanted = next(stream).likelihood
    with Engine(toys(kind), threads=1) as engine:
        engine.submit(ids[:40], max_new_tokens=1).result()
        stream = engine.submit(ids, max_new_tokens=1, logprobs=100)
        assert next(stream).likelihood == wanted
        assert stream.cached_tokens == 40


def test_an_answer_is_part_of_the_next_prompt(engine: Engine) -> None:
    """A conversation: what was written is not read again, but for the last token, which no step has read."""
    first = engine.submit("Once upon", max_new_tokens=20).result()
    ids = [*b"Once upon", *first.token_ids]
    stream = engine.submit([*ids, 1, 2], max_new_tokens=3)
    assert (
        stream.result().token_ids
        == Decoder(engine.bundle, threads=1).generate([*ids, 1, 2], max_new_tokens=3).token_ids
    )
    assert stream.cached_tokens == len(ids) - 1


def test_a_state_is_kept_where_two_texts_part(engine: Engine) -> None:
    shared = list(range(100))
    found = []
    for last in (200, 201, 202):
        stream = engine.submit([*shared, last, last, last], max_new_tokens=1)
        stream.result()
        found.append(stream.cached_tokens)
    assert found == [0, 0, 100]
