"""A text in few bytes a token."""

from __future__ import annotations

import tracemalloc

from rfa_runtime.decoding.written import TokenIds, Written

MOST_BYTES = 20
"""Of a token, its four characters included."""


def test_ids_are_a_sequence_like_any_other() -> None:
    ids = TokenIds([1, 50_000, 3])
    assert ids == [1, 50_000, 3]
    assert [1, 50_000, 3] == ids  # noqa: SIM300
    assert ids == (1, 50_000, 3)
    assert [7, *ids] == [7] + ids  # noqa: RUF005  as users of lists write it
    assert ids + [7] == [1, 50_000, 3, 7]  # noqa: RUF005
    assert ids != [1, 2, 3]
    assert ids != [1, 50_000, 2.5]
    assert ids != [1]
    assert ids != "abc"
    assert (ids[1], ids[1:], repr(ids)) == (50_000, [50_000, 3], "[1, 50000, 3]")


def test_a_long_text_is_small() -> None:
    count = 200_000
    tracemalloc.start()
    written = Written()
    for token in range(count):
        written.add(token, "word", None)
    text = written.text
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(text) == 4 * count
    assert peak / count < MOST_BYTES
