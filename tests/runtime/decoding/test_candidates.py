"""Candidates of a row: the best, in order, with their log probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from rfa_runtime.decoding.candidates import candidates
from rfa_runtime.errors import LogitsError


@pytest.mark.parametrize("size", [50, 64, 1000])
@pytest.mark.parametrize("count", [1, 4, 50, 200])
def test_candidates_are_the_most_likely_tokens_best_first(size: int, count: int) -> None:
    logits = np.random.default_rng(0).standard_normal((3, size)).astype(np.float32)
    tokens, found = candidates(logits, count)
    exact = logits.astype(np.float64)
    exact -= np.log(np.exp(exact).sum(1, keepdims=True))
    wanted = np.argsort(-exact, axis=1)[:, :count]
    np.testing.assert_array_equal(tokens, wanted)
    np.testing.assert_allclose(found, np.take_along_axis(exact, wanted, 1), atol=1e-6)


def test_of_equal_logits_the_lowest_id_comes_first() -> None:
    logits = np.zeros((2, 300), np.float32)
    logits[1, [7, 30, 200]] = 1
    tokens, _ = candidates(logits, 2)
    assert tokens.tolist() == [[0, 1], [7, 30]]


def test_huge_logits_do_not_overflow() -> None:
    _, found = candidates(np.array([[1e30, 1e30, -1e30]], np.float32), 2)
    np.testing.assert_allclose(found, np.log([[0.5, 0.5]]), atol=1e-6)


def test_a_token_that_a_model_rules_out_comes_last() -> None:
    tokens, found = candidates(np.array([[-np.inf, 1, 2]], np.float32), 3)
    assert tokens.tolist() == [[2, 1, 0]]
    assert found[0, 2] == -np.inf


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_logits_that_are_no_numbers_are_refused(bad: float) -> None:
    logits = np.zeros((2, 5), np.float32)
    logits[1, 3] = bad
    with pytest.raises(LogitsError):
        candidates(logits, 2)
