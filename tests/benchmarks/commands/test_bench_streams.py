"""`rfa-bench streams` for a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Bench = Callable[..., dict[str, Any]]


def test_streams_gives_speed_and_memory_and_compares(bench: Bench, twins: Path) -> None:
    found = bench("streams", twins / "rfa-fp32.rfa", "--streams", 4, "--seconds", 1, "--compared", 3)
    assert (found["streams"], found["compared"], found["wrong_tokens"]) == (4, 3, 0)
    assert found["equal_texts"] + found["near_ties"] >= 3
    assert found["requests"] >= 3
    assert min(found["tokens_per_s"], found["alone_tokens_per_s"]) > 0
    assert min(found["rss_settled"], found["rss_at_end"]) > 10_000_000
