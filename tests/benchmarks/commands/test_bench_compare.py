"""`rfa-bench compare`: this checkout beside itself, on the tiny shape."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from rfa_bench.checkouts.checkout import Checkout
from rfa_bench.checkouts.results import CompareRow
from rfa_bench.cli import main
from rfa_bench.commands.compare import times_of

Bench = Callable[..., dict[str, Any]]
ROOT = Path(__file__).parents[3]


def test_a_checkout_beside_itself_has_every_test_and_its_own_bundles(bench: Bench, twins: Path, tmp_path: Path) -> None:
    home = tmp_path / Checkout(ROOT).fingerprint
    shutil.copytree(twins / "rfa-fp32.rfa", home / "language-tiny-fp32.rfa")  # an export takes seconds
    options = ("--size", "tiny", "--precisions", "fp32", "--threads", 1, "--starts", 1, "--rounds", 2)
    counts = ("--prompts", "16,32", "--batches", "1,2", "--context", 8, "--scored", 64, "--classified", 64)
    found = bench("compare", ROOT, ROOT, *options, *counts, "--keep", tmp_path)
    tests = [row["test"] for row in found["rows"]]
    assert tests == ["pp16", "pp32", "step, batch 1", "step, batch 2", "score 64 bytes", "classify 64 bytes"]
    for row in found["rows"]:
        assert (row["precision"], row["threads"], row["rounds"]) == ("fp32", 1, 2)
        assert 0 < row["lowest"] <= row["ratio"] <= row["highest"]
    assert [row["tokens"] for row in found["rows"]][:4] == [16, 32, 1, 2]
    assert [row["model"] for row in found["memory"]] == ["language", "classifier"]
    kept = {path.name for path in home.iterdir()}
    assert {"language-tiny-fp32.rfa", "classifier-tiny-fp32.rfa"} <= kept


def test_table_has_a_line_for_each_test() -> None:
    lines = times_of([CompareRow("pp512", "int4", 2, 512, 2_000.0, 1_000.0, 0.5, 0.49, 0.52, 6)]).splitlines()
    assert lines[1] == "|---|---|---:|---:|---:|---:|---:|---:|"
    assert lines[2] == "| pp512 | int4 | 2 | 2,000.000 | 1,000.000 | 0.500 | 0.490 | 0.520 |"


def test_a_folder_that_is_no_checkout_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["compare", str(tmp_path), str(ROOT)])
    assert result.exit_code == 2
    assert "wanted a checkout of this project" in result.stderr.splitlines()[-1]
