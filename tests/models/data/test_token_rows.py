"""Rows of ids: what goes in comes out, filled up and marked."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models

from rfa_models.data.texts import encode
from rfa_models.data.token_rows import TokenRows, encode_texts, round_width
from rfa_models.data.tokenizer import END, START, TokenizerConfig, byte_tokenizer, make_tokenizer
from rfa_models.errors import DataError


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=70), min_size=1, max_size=9), data=st.data())
def test_padded_rows_are_the_rows_and_zeros(rows: list[list[int]], data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1))
    ids, keep = TokenRows(rows).padded(torch.tensor(chosen))
    width = round_width(max(len(rows[index]) for index in chosen))
    assert ids.dtype == keep.dtype == torch.int64
    assert ids.tolist() == [rows[index] + [0] * (width - len(rows[index])) for index in chosen]
    assert keep.sum(1).tolist() == [len(rows[index]) for index in chosen]
    assert torch.equal(keep, keep.sort(1, descending=True).values)


def test_rows_know_their_lengths() -> None:
    rows = TokenRows([[1, 2], [3], [4, 5, 6]])
    assert len(rows) == 3
    assert rows.lengths.tolist() == [2, 1, 3]
    assert rows.ids.tolist() == [1, 2, 3, 4, 5, 6]


def test_a_text_that_spells_a_special_token_is_letters() -> None:
    tokenizer = make_tokenizer(TokenizerConfig(vocab_size=300), ["a b"], (START, END))
    (ids,) = encode_texts(tokenizer, ["a </s> <s>"])
    assert not {tokenizer.token_to_id(START), tokenizer.token_to_id(END)} & set(ids)
    assert tokenizer.decode(ids) == "a </s> <s>"


def test_a_text_that_the_tokenizer_cannot_encode_is_named() -> None:
    tokenizer = Tokenizer(models.WordLevel({"one": 0}, unk_token="nowhere"))
    assert encode_texts(tokenizer, ["one"]) == [[0]]
    with pytest.raises(DataError, match="the tokenizer cannot encode the text"):
        encode_texts(tokenizer, ["one", "two"])
    with pytest.raises(DataError, match="the tokenizer cannot encode the text"):
        encode(tokenizer, "two")
    assert not tokenizer.encode_special_tokens


def test_widths_are_few_and_at_most_a_sixteenth_larger() -> None:
    for width in range(1, 5000):
        assert width <= round_width(width) <= width * 17 / 16
    assert round_width(31) == 31
    assert len({round_width(width) for width in range(1024, 2048)}) <= 17


def test_the_callers_tokenizer_stays_as_it_was() -> None:
    tokenizer = byte_tokenizer()
    tokenizer.add_special_tokens(["</s>"])
    encode_texts(tokenizer, ["a </s>"])
    assert tokenizer.encode("</s>").ids == [tokenizer.token_to_id("</s>")]
