"""`rfa-bench load` for a moment."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rfa_bench.cli import main

for package in ("fastapi", "uvicorn", "prometheus_client"):
    pytest.importorskip(package, reason=f"{package} is not installed: there is no server to measure")

Bench = Callable[..., dict[str, Any]]


def test_load_gives_speed_with_and_without_http(bench: Bench, twins: Path) -> None:
    options = ("--clients", 4, "--seconds", 3, "--rounds", 2, "--compared", 5, "--text-tokens", 20)
    found = bench("load", twins / "rfa-fp32.rfa", *options)
    assert (found["compared"], found["other_texts"]) == (5, 0)
    served, engine = found["rows"]
    assert (served["system"], engine["system"]) == ("rfa-serve", "engine")
    for row in found["rows"]:
        assert row["failed"] == 0
        assert row["completed"] >= 5
        assert 0 <= row["request_goodput"] <= row["request_throughput"]
        assert row["output_throughput"] > 0
        for figure in ("ttft", "tpot", "itl", "e2el"):
            assert 0 < row[f"median_{figure}_ms"] <= row[f"p99_{figure}_ms"]
        assert row["median_ttft_ms"] <= row["median_e2el_ms"]
    assert engine["ratio"] == 1


def test_a_server_that_does_not_start_says_why(tmp_path: Path, twins: Path) -> None:
    """In place of llama.cpp's: a program that only complains."""
    pytest.importorskip("gguf", reason="gguf is not installed: there is no model for llama.cpp")
    program = tmp_path / "llama-server"
    program.write_text("#!/bin/sh\necho no such model >&2\nexit 1\n", encoding="ascii")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    options = ["load", "--size", "tiny", "--keep", str(twins), "--llama-server", str(program)]
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == "Error: llama-server does not answer: no such model"
