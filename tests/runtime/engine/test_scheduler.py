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
            size = scheduler.chunk(10**9)
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
        sizes[step] = scheduler.chunk(10**9)
    assert sizes[0.0005] == LARGEST_CHUNK
    assert sizes[0.05] == 64  # 7 ms, a part of a step


def test_a_prompt_is_not_read_before_the_texts_have_had_their_time() -> None:
    scheduler = writing_and_reading(Pace(share=0.5))
    assert scheduler.reader() == "prompt"
    scheduler.has_read(1, 0.02)
    for _ in range(4):
        assert scheduler.reader() is None
        scheduler.has_written(0.005)
    assert scheduler.reader() == "prompt"
