"""Whatever a file holds, a message about it is one short line."""

from __future__ import annotations

import pytest
import torch

from rfa_models.wording import one_line, shown

HOSTILE = [
    10**30,
    10**5000,
    -(10**5000),
    "x" * 10**6,
    "a\nb",
    b"\x00" * 10**6,
    [[[[[[[[10**5000]]]]]]]] * 1000,
    {10**5000: "\n" * 1000},
    torch.zeros(300, 300),
    torch.zeros(1).expand(10**15),
    torch.zeros(3, device="meta"),
    object(),
]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_any_value_is_shown_in_one_short_line(value: object) -> None:
    assert 0 < len(shown(value)) < 500
    assert len(shown(value).splitlines()) == 1


@pytest.mark.parametrize("value", [3, -1.5, "a", True, None, [], ["red"], {"a": 1}, 10**30])
def test_short_values_are_shown_as_they_are(value: object) -> None:
    assert shown(value) == repr(value)


def test_errors_are_told_by_their_first_line_or_their_class() -> None:
    assert one_line(ValueError("a\nb")) == "a"
    assert one_line(ValueError()) == "ValueError"
    assert len(one_line(ValueError("x" * 10**6))) == 200
