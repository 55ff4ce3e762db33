"""`rfa-bench company` with few texts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Bench = Callable[..., dict[str, Any]]


def test_company_gives_pauses_waits_and_memory(bench: Bench, twins: Path) -> None:
    found = bench("company", twins / "rfa-fp32.rfa", "--streams", 2, "--prompt-tokens", 600, "--held", 20)
    assert (found["streams"], found["prompt_tokens"], found["held"]) == (2, 600, 20)
    assert 0 < found["steady_p50_ms"] <= found["steady_p95_ms"]
    assert found["beside_p95_ms"] > 0
    assert found["tokens_after_cancel"] <= 1
    assert found["repeated_ttft_s"] < found["ttft_s"]
