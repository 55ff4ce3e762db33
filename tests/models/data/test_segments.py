"""Streams side by side: each goes on where it ended, an epoch covers the text."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rfa_models.data.segments import StreamBatches
from rfa_models.errors import DataError


def streams(seed: int = 0, tokens: int = 203, batch: int = 3, length: int = 8) -> StreamBatches:
    return StreamBatches(torch.arange(tokens, dtype=torch.int32), batch, length, seed)


def test_a_batch_goes_on_where_the_one_before_ended() -> None:
    source = streams()
    found = [source(index) for index in range(3 * source.segments)]
    for (_, before, _), (inputs, targets, start) in itertools.pairwise(found):
        assert torch.equal(inputs + 1, targets)
        assert start == 0 or torch.equal(inputs[:, 0], before[:, -1])
    assert [start for *_, start in found] == [place * 8 for place in range(source.segments)] * 3


def test_an_epoch_reads_no_token_twice_and_nearly_all_of_them() -> None:
    source = streams()
    seen = torch.cat([source(index)[0] for index in range(source.segments)]).flatten()
    assert len(seen.unique()) == len(seen)
    assert len(seen) > 203 - 3 * 8 - 8 - 1


def test_batches_are_a_function_of_their_number_in_any_order() -> None:
    forwards, backwards = streams(), streams()
    wanted = [forwards(index)[0] for index in range(20)]
    assert all(torch.equal(backwards(index)[0], wanted[index]) for index in reversed(range(20)))


def test_epochs_and_seeds_begin_elsewhere() -> None:
    source = streams(tokens=2000, length=64)
    starts = {int(source(epoch * source.segments)[0][0, 0]) for epoch in range(5)}
    starts |= {int(streams(seed, tokens=2000, length=64)(0)[0][0, 0]) for seed in range(5)}
    assert len(starts) > 5


@settings(max_examples=50, deadline=None)
@given(length=st.integers(1, 9), batch=st.integers(1, 4), extra=st.integers(0, 30), index=st.integers(0, 40))
def test_streams_of_the_shortest_texts_stay_inside_the_text(length: int, batch: int, extra: int, index: int) -> None:
    inputs, targets, _ = streams(0, (batch + 1) * length + 1 + extra, batch, length)(index)
    assert inputs.shape == targets.shape == (batch, length)


def test_text_too_short_for_the_streams_is_refused() -> None:
    with pytest.raises(DataError, match="32 tokens, 3 streams of segments of 8 need at least 33"):
        streams(tokens=32)
