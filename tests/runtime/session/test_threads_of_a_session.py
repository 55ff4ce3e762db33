"""How many threads a graph gets where nobody says it, and how they wait."""

from __future__ import annotations

import pytest

from rfa_runtime.session import ort
from rfa_runtime.session.ort import WORTH_SHARING, session_options, threads_that_pay


@pytest.fixture(autouse=True)
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ort, "usable_cores", lambda: 4)


def test_one_token_of_a_small_model_is_too_little_to_share() -> None:
    assert threads_that_pay(WORTH_SHARING - 1) == 1
    assert threads_that_pay(WORTH_SHARING) == 4


def test_a_whole_text_is_shared_whatever_the_model() -> None:
    assert threads_that_pay(1, long_inputs=True) == 4


def test_threads_do_not_spin_for_long() -> None:
    options = session_options(threads=3)
    assert options.intra_op_num_threads == 3
    assert options.get_session_config_entry("session.intra_op.spin_duration_us") == ort.SPIN_US
