"""Pieces of several texts in one coroutine: all of them, in their order, whatever thread they come from."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from rfa_runtime.bundle.bundle import shipped_bundle
from rfa_runtime.engine.engine import Engine
from rfa_runtime.errors import RfaRuntimeError
from rfa_runtime.serve.merged import Bell, merged

TOKENS = 40
PROMPTS = ["Once", "The dog", "A girl"]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(shipped_bundle(), max_streams=4) as found:
        yield found


def test_every_piece_comes_once_and_in_order(engine: Engine) -> None:
    async def read() -> dict[int, list[int]]:
        streams = [engine.submit(prompt, max_new_tokens=TOKENS, seed=1, ignore_eos=True) for prompt in PROMPTS]
        found: dict[int, list[int]] = {place: [] for place in range(len(streams))}
        async for arrived in merged(streams, 30):
            assert arrived is not None
            place, piece = arrived
            found[place].append(piece.token_id)
        return found

    found = asyncio.run(read())
    for place, prompt in enumerate(PROMPTS):
        wanted = engine.submit(prompt, max_new_tokens=TOKENS, seed=1, ignore_eos=True).result().token_ids
        assert found[place] == list(wanted)


def test_quiet_is_said(engine: Engine) -> None:
    class Silent:
        def listen(self, heard: object) -> None: ...
        def take(self) -> None: ...
        def cancel(self) -> None: ...

    async def read() -> None:
        arrivals = merged([Silent()], 0.01)  # type: ignore[list-item]
        assert await anext(arrivals) is None
        assert await anext(arrivals) is None
        await arrivals.aclose()

    asyncio.run(read())


def test_an_error_ends_all(engine: Engine) -> None:
    async def read() -> None:
        stream = engine.submit("Once", max_new_tokens=TOKENS)
        stream.give(RfaRuntimeError("broken"))
        async for _ in merged([stream], 30):
            pass

    with pytest.raises(RfaRuntimeError, match="broken"):
        asyncio.run(read())


def test_a_bell_is_heard_from_any_thread_and_not_before_it_is_waited_for() -> None:
    async def listen() -> list[bool]:
        bell = Bell()
        bell.ring()
        await asyncio.sleep(0.01)  # nobody waits: nobody hears it
        found = [await bell.rung(0.01)]
        threading.Timer(0.01, bell.ring).start()
        found.append(await bell.rung(30))
        return found

    assert asyncio.run(listen()) == [False, True]
