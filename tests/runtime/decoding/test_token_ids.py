"""What may stand for token ids, and what is refused by its name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rfa_runtime.decoding.token_ids import token_ids
from rfa_runtime.errors import PromptError


@pytest.mark.parametrize(
    "given",
    [[1, 2], (1, 2), range(1, 3), np.array([1, 2]), np.array([1, 2], np.uint8), [np.int64(1), np.int32(2)]],
)
def test_sequences_and_arrays_of_whole_numbers_are_token_ids(given: Any) -> None:
    found = token_ids(given)
    assert found == [1, 2]
    assert {type(token) for token in found} == {int}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (b"ROMEO:", "is bytes, wanted text"),
        (bytearray(b"R"), "is bytearray"),
        ([40.9], "has 40.9 among its token ids, wanted whole numbers"),
        (np.array([40.0]), "has 40.0 among"),
        ([True], "has True among"),
        (np.array([True]), "has True among"),
        (["40"], "has '40' among"),
        (np.array([[1, 2]]), "an array of 2 dimensions, .*; several go to a batch"),
        (np.array(1), "an array of 0 dimensions"),
        (7, "is int, wanted text, or token ids"),
        (None, "is NoneType"),
    ],
)
def test_other_things_are_refused_by_name(given: Any, words: str) -> None:
    with pytest.raises(PromptError, match=words):
        token_ids(given)
