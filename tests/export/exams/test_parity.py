"""Rounding is not held against a bundle, and anything else is."""

from __future__ import annotations

import numpy as np
import pytest

from rfa_export import tolerances
from rfa_export.errors import ParityError
from rfa_export.exams.parity import accept, compare


def logits(*values: float) -> np.ndarray:
    return np.array([[values]])


def test_a_near_tie_may_swap() -> None:
    gap = 0.9 * tolerances.NEAR_TIE * tolerances.LOGITS_FLOAT32 * 100
    parity = compare(logits(100 - 0.51 * gap, 100 - 0.49 * gap, 0), logits(100, 100 - gap, 0))
    assert (parity.tokens_equal, parity.near_ties) == (0, 1)
    assert parity.max_relative_error < tolerances.LOGITS_FLOAT32
    assert accept(parity, "step graph") is parity


def test_another_token_is_refused_where_the_two_are_no_tie() -> None:
    parity = compare(logits(99, 100, 0), logits(100, 99, 0))
    assert (parity.tokens_equal, parity.near_ties) == (0, 0)
    with pytest.raises(ParityError, match="prefers other tokens than torch at 1 of 1 positions"):
        accept(parity, "step graph", bound=1.0)  # else the error alone would be refused


def test_an_error_is_measured_against_the_largest_logit() -> None:
    parity = compare(logits(-200, 0.5), logits(-200, 0.25))
    assert parity.max_abs_error == 0.25
    assert parity.max_relative_error == 0.25 / 200


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("whose", ["found", "wanted", "both"])
def test_numbers_that_are_none_are_refused(odd: float, whose: str) -> None:
    right, wrong = logits(1, 2, 3), logits(1, odd, 3)
    found, wanted = {"found": (wrong, right), "wanted": (right, wrong), "both": (wrong, wrong)}[whose]
    with pytest.raises(ParityError, match=r"computes logits that are not finite: nothing was written"):
        compare(found, wanted)


def test_a_model_whose_logits_are_all_zero_can_be_right_or_wrong() -> None:
    accept(compare(logits(0, 0), logits(0, 0)), "step graph")
    with pytest.raises(ParityError):
        accept(compare(logits(0, 1e-6), logits(0, 0)), "step graph")
