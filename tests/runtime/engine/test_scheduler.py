"""Who comes next, by a clock that the test sets."""

from __future__ import annotations

import pytest

from rfa_runtime.engine.scheduler import LARGEST_CHUNK, Pace, Scheduler


def test_jobs_begin_in_their_order_while_there_is_room() -> None:
    scheduler = Scheduler(2, Pace())
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
    scheduler = Scheduler(1, Pace())
    for job in "ab":
        scheduler.arrive(job)
    list(scheduler.admit())
    scheduler.leave("b")
    scheduler.leave("a")
    assert list(scheduler.admit()) == []
    assert scheduler.idle


def test_prompts_take_turns() -> None:
    scheduler = Scheduler(3, Pace())
    for job in "abc":
        scheduler.arrive(job)
    list(scheduler.admit())
    order = []
    for _ in range(6):
        job = scheduler.reader()
        order.append(job)
        scheduler.has_read(scheduler.chunk(10_000), 0.1)
    assert order == list("abcabc")


def test_chunks_are_large_where_nobody_waits_for_a_token() -> None:
    scheduler = Scheduler(2, Pace())
    assert scheduler.chunk(10_000) == LARGEST_CHUNK
    assert scheduler.chunk(7) == 7


def writing_and_reading(pace: Pace) -> Scheduler:
    scheduler = Scheduler(2, pace)
    for job in ("text", "prompt"):
        scheduler.arrive(job)
    list(scheduler.admit())
    scheduler.begin_writing("text")
    return scheduler


@pytest.mark.parametrize("token_s", [0.0001, 0.001, 0.01, 0.2])
@pytest.mark.parametrize("share", [0.2, 0.5])
def test_a_long_prompt_takes_its_share_and_no_long_pause(token_s: float, share: float) -> None:
    """Reading a token takes token_s, a step 5 ms."""
    scheduler = writing_and_reading(Pace(longest_pause=0.05, share=share))
    reading = writing = 0.0
    longest = 0.0
    for turn in range(5000):
        if scheduler.reader() == "prompt":
            seconds = scheduler.chunk(10**9) * token_s
            scheduler.has_read(scheduler.chunk(10**9), seconds)
            reading += seconds
            if turn > 100:
                longest = max(longest, seconds)
        scheduler.has_written(0.005)
        writing += 0.005
    assert reading / (reading + writing) == pytest.approx(share, abs=0.06)
    assert longest <= max(0.05, token_s)


def test_a_prompt_is_not_read_before_the_texts_have_had_their_time() -> None:
    scheduler = writing_and_reading(Pace(share=0.5))
    assert scheduler.reader() == "prompt"
    scheduler.has_read(1, 0.02)
    for _ in range(4):
        assert scheduler.reader() is None
        scheduler.has_written(0.005)
    assert scheduler.reader() == "prompt"
