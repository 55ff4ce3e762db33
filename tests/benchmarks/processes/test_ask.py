"""Programs that a measurement starts."""

from __future__ import annotations

import pytest

from rfa_bench.processes.ask import ProbeError, ask


def test_a_probe_answers_with_what_it_prints() -> None:
    found = ask("growth_probe", 64, 0, "cpu")
    assert found["length"] == 64
    assert found["seconds"] > 0


def test_a_probe_that_fails_says_how_and_why() -> None:
    with pytest.raises(ProbeError, match=r"(?s)growth_probe ended with exit code 1: .*invalid literal"):
        ask("growth_probe", "long", 0, "cpu")
