"""`rfa-bench steady` over 400 tokens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from rfa_bench.cli import main

Bench = Callable[..., dict[str, Any]]


def test_steady_gives_time_and_memory_at_both_ends(bench: Bench, twins: Path) -> None:
    found = bench("steady", twins / "rfa-fp32.rfa", "--tokens", 400)
    assert found["tokens"] == 400
    assert min(found["first_ms"], found["last_ms"]) > 0
    assert found["rss_highest"] >= max(found["rss_after_warm_up"], found["rss_at_end"]) > 10_000_000


def test_a_bundle_that_is_not_there_is_one_line_and_exit_code_2() -> None:
    result = CliRunner().invoke(main, ["steady", "absent.rfa"])
    assert result.exit_code == 2
    assert "absent.rfa does not exist" in result.stderr.splitlines()[-1]
