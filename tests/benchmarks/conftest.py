"""`rfa-bench` as a terminal calls it, and bundles that several tests measure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from traced_once import tracing_once

from rfa_bench.cli import main
from rfa_bench.subjects.language_twins import export_twins
from rfa_bench.subjects.shapes import SIZES

Bench = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True, scope="session")
def one_trace() -> Iterator[None]:
    with tracing_once():
        yield


@pytest.fixture(scope="session")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with RFA and softmax bundles of the tiny shape."""
    folder = tmp_path_factory.mktemp("twins")
    export_twins(SIZES["tiny"], folder)
    return folder


@pytest.fixture
def bench() -> Bench:
    """Runs a measurement with --json.  Returns what it prints, machine and versions checked."""

    def run(*arguments: object) -> dict[str, Any]:
        result = CliRunner().invoke(main, [*map(str, arguments), "--json"])
        assert result.exit_code == 0, result.output
        printed: dict[str, Any] = json.loads(result.stdout)
        assert set(printed["machine"]) == {"processor", "cores", "system", "python"}
        assert printed["versions"]["onnxruntime"]
        return printed

    return run
