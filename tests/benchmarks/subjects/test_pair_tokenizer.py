"""The tokenizer of models with random weights."""

from __future__ import annotations

import pytest

from rfa_bench.subjects.pair_tokenizer import pair_tokenizer


def test_random_models_have_a_tokenizer_of_exactly_their_size() -> None:
    tokenizer = pair_tokenizer(50257)
    assert tokenizer.get_vocab_size() == 50257
    assert tokenizer.decode(tokenizer.encode("héllo wörld").ids) == "héllo wörld"
    with pytest.raises(ValueError, match="wanted 256 to"):
        pair_tokenizer(255)
