"""Who comes next, by a clock that the test sets."""

from __future__ import annotations

import math

import pytest

from rfa_runtime.engine.scheduler import Pace, Scheduler
from rfa_runtime.engine.timings import FORGOTTEN, LARGEST_CHUNK, Timings


def endless(_job: str) -> int:
    """Tokens left of a prompt that nobody will see the end of."""
    return 10**9


def test_jobs_begin_in_their_order_while_there_is_room() -> None:
    scheduler = Scheduler(2, Pace(), endless)
    for job in "abc":
        scheduler.arrive(job)
    assert list(scheduler.admit()) == ["a", "b"]
    assert scheduler.counts == (1, 2, 0)
    scheduler.leave("a")
    assert list(scheduler.admit()) == ["c"]
    scheduler.leave("b")
    scheduler.leave("c")
    assert scheduler.idle


def test_a_job_that_waits_can_leave() -> None:
    scheduler = Scheduler(1, Pace(), endless)
    for job in "ab":
        scheduler.arrive(job)
    list(scheduler.admit())
    scheduler.leave("b")
    scheduler.leave("a")
    assert list(scheduler.admit()) == []
    assert scheduler.idle


def reading(unread: dict[str, int]) -> Scheduler[str]:
    scheduler = Scheduler(len(unread), Pace(), unread.__getitem__)
    for job in unread:
        scheduler.arrive(job)
    list(scheduler.admit())
    return scheduler


def test_the_shortest_prompt_comes_first_and_the_oldest_now_and_then() -> None:
    unread = {"a": 100_000, "b": 900, "c": 600}
    scheduler = reading(unread)
    order = ""
    for _ in range(18):
        job = scheduler.reader()
        assert job is not None
        order += job
        unread[job] -= scheduler.chunk(job)
        scheduler.has_read(256, 0.1)
        if not unread[job]:
            scheduler.leave(job)
    assert order == "acccbbbb" + "aaaaaaaaaa"


def test_who_has_waited_comes_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk of 256 tokens takes 0.1 s; a new prompt of 256 comes after each, and nobody's turn comes by itself."""
    monkeypatch.setattr("rfa_runtime.engine.scheduler.LONGEST_WAITING", 10**9)
    unread = {"old": 2560}
    scheduler = reading(unread)
    scheduler.most = 1000
    for turn in range(1000):
        new = f"new {turn}"
        unread[new] = 256
        scheduler.arrive(new)
        list(scheduler.admit())
        job = scheduler.reader()
        assert job is not None
        unread[job] -= scheduler.chunk(job)
        scheduler.has_read(256, 0.1)
        if not unread[job]:
            scheduler.leave(job)
        if job == "old" and not unread[job]:
            break
    waited = 0.1 * turn  # (1.0 - 0.1) s left behind the others are made up for by 0.08 s a second
    assert waited < 0.9 / 0.08


def test_chunks_are_large_where_nobody_waits_for_a_token() -> None:
    unread = {"long": 10_000, "short": 7}
    scheduler = Scheduler(2, Pace(), unread.__getitem__)
    assert scheduler.chunk("long") == LARGEST_CHUNK
    assert scheduler.chunk("short") == 7


def writing_and_reading(pace: Pace) -> Scheduler:
    scheduler = Scheduler(2, pace, endless)
    for job in ("text", "prompt"):
        scheduler.arrive(job)
    list(scheduler.admit())
    scheduler.begin_writing("text")
    return scheduler


@pytest.mark.parametrize("base_s", [0.0, 0.003])
@pytest.mark.parametrize("token_s", [0.0001, 0.001, 0.01, 0.2])
@pytest.mark.parametrize("share", [0.2, 0.5])
def test_texts_hardly_notice_a_long_prompt(token_s: float, base_s: float, share: float) -> None:
    """Reading a chunk takes base_s and token_s for each token, a step 5 ms."""
    scheduler = writing_and_reading(Pace(longest_pause=0.05, share=share))
    gaps = []
    reading = tokens = 0.0
    for _ in range(5000):
        pause = 0.0
        if scheduler.reader() == "prompt":
            size = scheduler.chunk("prompt")
            pause = base_s + size * token_s
            scheduler.has_read(size, pause)
            tokens += size
        scheduler.has_written(0.005)
        gaps.append(0.005 + pause)
        reading += pause
    settled = sorted(gaps[500:])
    assert settled[int(0.95 * len(settled))] <= 1.5 * 0.005
    assert settled[-1] <= 0.005 + max(0.05, base_s + token_s)
    assert reading / sum(gaps) <= share + 0.06
    assert tokens > 0


def test_small_models_have_rare_chunks_and_large_ones_short_chunks() -> None:
    sizes = {}
    for step in (0.0005, 0.05):
        scheduler = writing_and_reading(Pace())
        for size in (1, 16, 256):
            scheduler.timings.note_chunk(size, 0.0001 * size + 0.001)
        scheduler.has_written(step)
        sizes[step] = scheduler.chunk("prompt")
    assert sizes[0.0005] == LARGEST_CHUNK
    assert sizes[0.05] == 128  # 14 ms, a part of a step


def test_a_prompt_is_not_read_before_the_texts_have_had_their_time() -> None:
    scheduler = writing_and_reading(Pace(share=0.5))
    assert scheduler.reader() == "prompt"
    scheduler.has_read(1, 0.02)
    for _ in range(4):
        assert scheduler.reader() is None
        scheduler.has_written(0.005)
    assert scheduler.reader() == "prompt"


def test_what_a_chunk_will_take_lies_on_the_line_through_what_chunks_took() -> None:
    timings = Timings()
    assert timings.expected(8) == math.inf
    timings.note_chunk(16, 0.024)
    assert timings.expected(32) == pytest.approx(0.048)
    timings.note_chunk(40, 0.036)  # half a millisecond for each token more
    assert timings.expected(64) == pytest.approx(0.048)
    assert timings.expected(8) == pytest.approx(0.020)


def test_a_size_that_was_slow_once_is_tried_again() -> None:
    timings = Timings()
    timings.note_chunk(64, 3.0)
    for _ in range(FORGOTTEN):
        timings.note_chunk(16, 0.024)
        timings.note_chunk(32, 0.032)
    assert timings.expected(64) == pytest.approx(0.048)
