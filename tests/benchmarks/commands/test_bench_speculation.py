"""`rfa-bench speculation` with a few short texts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Bench = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("draft", ["lookup", "model"])
def test_both_ways_give_the_same_texts(bench: Bench, twins: Path, tmp_path: Path, draft: str) -> None:
    text = tmp_path / "text.txt"
    text.write_text("the cat sat on the mat, and the cat sat on the hat, and so on and so on\n" * 3)
    bundle = twins / "rfa-fp32.rfa"
    options = ("--prompts", 3, "--new-tokens", 8, "--draft", "lookup" if draft == "lookup" else bundle)
    found = bench("speculation", bundle, "--text", text, *options)
    assert (found["prompts"], found["same_texts"], found["tokens"]) == (3, 3, 24)
    assert 0 <= found["accepted"] <= found["drafted"]
    assert found["tokens_per_s"] > 0
    if draft == "model":
        assert found["acceptance"] > 0.3  # its own guesses, and some beyond the end
