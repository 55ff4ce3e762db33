"""`rfa-bench serve` for a moment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

for package in ("fastapi", "uvicorn", "prometheus_client"):
    pytest.importorskip(package, reason=f"{package} is not installed: there is no server to measure")

Bench = Callable[..., dict[str, Any]]


def test_serve_gives_speed_with_and_without_http(bench: Bench, twins: Path) -> None:
    found = bench("serve", twins / "rfa-fp32.rfa", "--clients", 4, "--seconds", 3, "--compared", 5, "--text-tokens", 20)
    assert (found["clients"], found["lost"], found["compared"], found["other_texts"]) == (4, 0, 5, 0)
    assert found["requests"] >= 5
    assert found["tokens_per_s"] > 0
    assert found["engine_tokens_per_s"] > 0
    assert 0 < found["itl_ms_p50"] <= found["itl_ms_p99"]
    assert 0 < found["ttft_ms_p50"] <= found["ttft_ms_p99"]
