"""States on the disk are as good as states in memory, and a bad file is no worse than none."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from toy_bundles import toy_files, toy_manifest

from rfa_runtime import Bundle, Engine, State, StepSession, write_bundle
from rfa_runtime.engine.disk_tier import SUFFIX, DiskTier
from rfa_runtime.engine.prefix_cache import EVICTED, HIT, HIT_ON_DISK, UNKNOWN, PrefixCache, state_bytes

PLENTY = 1 << 30


@pytest.fixture
def session(toy: Bundle) -> StepSession:
    return StepSession(toy, threads=1)


def state_of(session: StepSession, ids: list[int]) -> State:
    state = session.new_state()
    session.step(np.array([ids]), state)
    return state


def cache_of(session: StepSession, folder: Path, states: float = 1.5, budget: int = PLENTY) -> PrefixCache:
    """A cache with room for so many states in memory."""
    one = state_bytes(state_of(session, [1]))
    return PrefixCache(int(states * one), DiskTier(folder, budget, session.bundle))


def test_what_has_no_room_goes_to_the_disk_and_comes_back(session: StepSession, tmp_path: Path) -> None:
    cache = cache_of(session, tmp_path / "states")
    texts = [[1, 2, 3], [1, 2, 4, 5], [9, 8]]
    for ids in texts:
        cache.keep(ids, state_of(session, ids))
    for ids, reason in zip(texts, (HIT_ON_DISK, HIT_ON_DISK, HIT_ON_DISK), strict=True):
        found = cache.find([*ids, 7])
        assert (found.tokens, found.reason) == (len(ids), reason)
        assert found.state is not None
        wanted = session.step(np.array([[7]]), state_of(session, ids)).copy()
        assert np.array_equal(session.step(np.array([[7]]), found.state.copy()), wanted)
    assert cache.find([9, 8, 7]).reason == HIT  # it is in memory again


def test_the_folder_outlives_the_cache(session: StepSession, tmp_path: Path) -> None:
    first = cache_of(session, tmp_path)
    for ids in ([1, 2, 3], [4, 5]):
        first.keep(ids, state_of(session, ids))
    first.close()
    second = cache_of(session, tmp_path)
    assert second.find([1, 2, 3, 4]).tokens == 3
    assert second.find([4, 5]).tokens == 2  # with its logits
    assert second.find([6]).reason == UNKNOWN


def test_a_damaged_file_is_a_miss_and_goes(
    session: StepSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = cache_of(session, tmp_path)
    for ids in ([1, 2, 3], [4, 5]):
        cache.keep(ids, state_of(session, ids))
    (file,) = tmp_path.glob(f"*{SUFFIX}")
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with caplog.at_level(logging.WARNING):
        found = cache.find([1, 2, 3, 4])
    assert (found.tokens, found.reason) == (0, EVICTED)
    assert "of no use" in caplog.text
    assert not file.exists()
    cache.keep([1, 2, 3], state_of(session, [1, 2, 3]))
    assert cache.find([1, 2, 3, 4]).tokens == 3


def test_a_file_of_another_text_is_no_hit(session: StepSession, tmp_path: Path) -> None:
    cache = cache_of(session, tmp_path)
    for ids in ([1, 2, 3], [4, 5], [6, 7]):
        cache.keep(ids, state_of(session, ids))
    first, second = sorted(tmp_path.glob(f"*{SUFFIX}"))
    second.write_bytes(first.read_bytes())
    hits = [cache.find([*ids, 9]).tokens for ids in ([1, 2, 3], [4, 5])]
    assert sorted(hits) in ([0, 2], [0, 3])


def test_files_of_others_are_left_alone(session: StepSession, tmp_path: Path) -> None:
    files = toy_files()
    files["tokenizer.json"] += b" "
    write_bundle(tmp_path / "other.rfa", toy_manifest(), files)
    other = StepSession(tmp_path / "other.rfa", threads=1)
    theirs = cache_of(other, tmp_path / "states")
    theirs.keep([1, 2], state_of(other, [1, 2]))
    theirs.close()
    (tmp_path / "states" / f"notes{SUFFIX}").write_text("mine")
    cache = cache_of(session, tmp_path / "states")
    assert cache.find([1, 2, 3]).tokens == 0
    cache.close()
    assert len(list((tmp_path / "states").iterdir())) == 2


def test_the_budget_of_the_disk_holds(session: StepSession, tmp_path: Path) -> None:
    cache = cache_of(session, tmp_path)
    cache.keep([0, 0], state_of(session, [0, 0]))
    cache.close()
    size = next(tmp_path.iterdir()).stat().st_size
    small = cache_of(session, tmp_path, budget=3 * size + size // 2)
    for token in range(1, 9):
        small.keep([token, token], state_of(session, [token, token]))
    small.close()
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 3 * size + size // 2
    assert small.find([8, 8, 1]).tokens == 2
    assert small.find([1, 1, 1]).tokens == 0


def test_a_disk_that_cannot_be_written_is_no_error(
    session: StepSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = cache_of(session, tmp_path / "states")
    (tmp_path / "states").rmdir()
    with caplog.at_level(logging.WARNING):
        for ids in ([1, 2, 3], [4, 5]):
            cache.keep(ids, state_of(session, ids))
    assert "was not kept on the disk" in caplog.text
    assert cache.find([4, 5, 6]).tokens == 2


def test_long_texts_on_the_disk_do_not_fill_memory(session: StepSession, tmp_path: Path) -> None:
    cache = cache_of(session, tmp_path)
    for first in range(20):
        ids = [first, *range(100)]
        cache.keep(ids, state_of(session, ids))
    assert cache.bytes <= 2 * cache.budget_bytes


def test_an_engine_goes_on_from_what_another_one_read(toy: Bundle, tmp_path: Path) -> None:
    prompt = [1] * 50
    texts = []
    cached = []
    for _ in range(2):
        with Engine(toy, threads=1, max_streams=2, cache_folder=tmp_path / "states") as engine:
            stream = engine.submit(prompt, temperature=0.0, max_new_tokens=10)
            texts.append(stream.result().token_ids)
            cached.append(stream.cached_tokens)
    assert texts[0] == texts[1]
    assert cached == [0, 50]
