"""Batches of rows of like length: every row once an epoch, little padding, the same in any order."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rfa_models.data.buckets import BucketBatches, bucketed, by_rows, by_tokens, in_order

lengths_of_rows = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=40)


def lengths(rows: int = 200, texts: int = 2) -> torch.Tensor:
    return torch.randint(1, 50, (rows, texts), generator=torch.Generator().manual_seed(3))


def batches(seed: int = 0, limit: int = 300) -> BucketBatches:
    return BucketBatches(lengths(), partial(by_tokens, limit=limit), seed)


def as_lists(found: list[torch.Tensor]) -> list[list[int]]:
    return [rows.tolist() for rows in found]


def test_batches_are_a_function_of_their_number_in_any_order() -> None:
    forwards, backwards = batches(), batches()
    numbers = range(3 * len(forwards))
    wanted = {number: forwards(number) for number in numbers}
    assert all(torch.equal(backwards(number), wanted[number]) for number in reversed(numbers))


def test_an_epoch_takes_every_row_once() -> None:
    source = batches()
    for epoch in range(3):
        rows = torch.cat([source(epoch * len(source) + place) for place in range(len(source))])
        assert rows.sort().values.tolist() == list(range(200))


def test_epochs_and_seeds_put_other_rows_together() -> None:
    source, other = batches(), batches(seed=1)
    first, second = ([source(epoch * len(source) + i) for i in range(len(source))] for epoch in (0, 1))
    assert {tuple(sorted(rows)) for rows in as_lists(first)} != {tuple(sorted(rows)) for rows in as_lists(second)}
    assert as_lists(first) != as_lists([other(i) for i in range(len(other))])


@settings(max_examples=100, deadline=None)
@given(rows=lengths_of_rows, limit=st.integers(1, 500), epoch=st.integers(0, 3))
def test_batches_stay_below_the_limit_of_tokens_with_their_padding(
    rows: list[tuple[int, int]], limit: int, epoch: int
) -> None:
    table = torch.tensor(rows)
    source = BucketBatches(table, partial(by_tokens, limit=limit), seed=0)
    for place in range(len(source)):
        chosen = table[source(epoch * len(source) + place)]
        assert len(chosen) * int(chosen.max(0).values.sum()) <= limit or len(chosen) == 1


def test_little_of_a_batch_is_padding() -> None:
    table = lengths(2000)
    found = in_order(table, partial(by_tokens, limit=2000))
    padded = sum(len(rows) * int(table[rows].max(0).values.sum()) for rows in found)
    assert int(table.sum()) / padded > 0.8  # 0.51 without an order


@pytest.mark.parametrize(("rows", "sizes"), [(7, [3, 3, 1]), (6, [3, 3]), (2, [2])])
def test_by_rows_cuts_as_many_rows_each(rows: int, sizes: list[int]) -> None:
    assert by_rows([(1,)] * rows, 3) == sizes


def test_by_tokens_puts_a_row_alone_that_is_too_long() -> None:
    assert by_tokens([(50, 60), (2, 3), (2, 3)], 20) == [1, 2]


@settings(max_examples=50, deadline=None)
@given(rows=lengths_of_rows)
def test_lengths_are_rounded_up_by_a_fifth_at_most(rows: list[tuple[int, int]]) -> None:
    table = torch.tensor(rows)
    buckets, borders = bucketed(table)
    rounded = borders[buckets]
    assert (rounded >= table).all()
    assert (rounded <= (table * 1.2).ceil()).all()


def test_all_rows_come_once_in_order_of_their_lengths() -> None:
    table = lengths(50, texts=1)
    found = torch.cat(in_order(table, partial(by_rows, limit=8)))
    assert sorted(found.tolist()) == list(range(50))
    buckets, _ = bucketed(table)
    assert buckets[found, 0].tolist() == sorted(buckets[:, 0].tolist(), reverse=True)
